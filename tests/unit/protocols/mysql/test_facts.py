"""The facts of a role from rows. MariaDB's rows are as of 10.11; MySQL's are built from its documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mooring.model.facts import Channel, Facts, Group
from mooring.protocols.framed import Broken
from mooring.protocols.mysql.facts import beat_ahead, facts_of
from mooring.protocols.mysql.question import HISTORY_LIMIT, Part

UUID, OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4350f323-7565-4e59-8763-4b1b83a0ce0e"
MARIADB = {"read_only": "0", "server_id": "1", "gtid_binlog_state": "0-1-7", "gtid_slave_pos": "", "account": "m@%"}
MYSQL = {"read_only": "0", "super_read_only": "0", "offline_mode": "0", "server_uuid": UUID, "gtid_executed": ""}
CHANNEL = {
    "Source_Host": "10.20.0.11",
    "Source_Port": "3306",
    "Seconds_Behind_Source": "0",
    "Source_Server_Id": "1",
    **dict.fromkeys(("Replica_IO_Running", "Replica_SQL_Running"), "Yes"),
    **dict.fromkeys(("Last_IO_Errno", "Last_IO_Error", "Last_SQL_Errno", "Last_SQL_Error"), ""),
}
RUNNING = Channel("10.20.0.11:3306", "1", lag=0.0)
GALERA = {
    "wsrep_ready": "ON",
    "wsrep_cluster_status": "Primary",
    "wsrep_local_state": "4",
    "wsrep_local_state_comment": "Synced",
}
Said = Mapping[str, str | None]


def _row(said: Said) -> dict[str, bytes | None]:
    return {name: None if value is None else value.encode() for name, value in said.items()}


def _facts(settings: Said = MARIADB, *channels: Said, **parts: list[Said]) -> Facts:
    rows = {Part.SETTINGS: [_row(settings)], Part.CHANNELS: [_row(one) for one in channels]}
    return facts_of({**rows, **{Part[name.upper()]: [_row(one) for one in said] for name, said in parts.items()}})


def _channel(**said: str | None) -> Channel:
    (channel,) = _facts(MARIADB, {**CHANNEL, **said}).channels
    return channel


def test_a_primary_alone() -> None:
    """It is known by its server id, and by how far it came in each stream of changes."""
    assert _facts() == Facts(identity="1", history={"0-1": 7})


@pytest.mark.parametrize(
    ("settings", "read_only"),
    [
        ({**MARIADB, "read_only": "1"}, "read_only=1"),
        ({**MARIADB, "read_only": "ON"}, "read_only=ON"),
        ({**MARIADB, "read_only": "NO_LOCK_NO_ADMIN"}, "read_only=NO_LOCK_NO_ADMIN"),
        ({**MARIADB, "read_only": "OFF"}, ""),
        ({**MYSQL, "read_only": "1"}, "read_only=1"),
        ({**MYSQL, "read_only": "1", "super_read_only": "1"}, "super_read_only=1"),
        ({**MARIADB, "innodb_read_only": "1"}, "innodb_read_only=1"),
        ({**MYSQL, "innodb_read_only": "1"}, "innodb_read_only=1"),
        ({**MARIADB, "tx_read_only": "1"}, "tx_read_only=1"),
        ({**MYSQL, "transaction_read_only": "1"}, "transaction_read_only=1"),
        ({**MARIADB, "innodb_force_recovery": "6"}, "innodb_force_recovery=6"),
        ({**MARIADB, "innodb_force_recovery": "1"}, ""),
        ({**MYSQL, "innodb_force_recovery": "1"}, "innodb_force_recovery=1"),
        (MYSQL, ""),
    ],
)
def test_read_only_is_whatever_is_not_off(settings: Said, read_only: str) -> None:
    """MariaDB 12 has several ways to be read-only, and none of them takes an application's writes."""
    assert _facts(settings).read_only == read_only


@pytest.mark.parametrize(
    ("settings", "offline"),
    [
        ({**MYSQL, "offline_mode": "1"}, "offline_mode=1"),
        ({**MARIADB, "wsrep_reject_queries": "ALL"}, "wsrep_reject_queries=ALL"),
        ({**MARIADB, "wsrep_reject_queries": "NONE"}, ""),
        (MYSQL, ""),
    ],
)
def test_offline_is_what_an_administrator_said(settings: Said, offline: str) -> None:
    """The server still answers sessions that stand, and refuses new logins."""
    assert _facts(settings).offline == offline


@pytest.mark.parametrize(
    ("said", "receiving", "trying", "applying", "stopped"),
    [
        (("Yes", "Yes"), True, False, True, False),
        (("Yes", "No"), True, False, False, False),
        (("No", "Yes"), False, False, True, False),
        (("No", "No"), False, False, False, True),
        (("Connecting", "Yes"), False, True, True, False),
        (("Connecting", "No"), False, True, False, False),
        (("Preparing", "No"), False, True, False, False),
    ],
)
def test_a_channel_has_two_threads(
    said: tuple[str, str],
    receiving: bool,  # noqa: FBT001 -- parameters of the table
    trying: bool,  # noqa: FBT001
    applying: bool,  # noqa: FBT001
    stopped: bool,  # noqa: FBT001
) -> None:
    """It is stopped only when both are: one that looks for its source is a replica still."""
    seen = _channel(Replica_IO_Running=said[0], Replica_SQL_Running=said[1])
    assert (seen.receiving, seen.trying, seen.applying, seen.stopped) == (receiving, trying, applying, stopped)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, RUNNING),
        ({"Seconds_Behind_Source": None}, Channel("10.20.0.11:3306", "1")),
        ({"Seconds_Behind_Source": "86400"}, Channel("10.20.0.11:3306", "1", lag=86400.0)),
        ({"Source_Host": "fd00::11"}, Channel("[fd00::11]:3306", "1", lag=0.0)),
        ({"Source_Host": "db1.internal", "Source_Port": "3307"}, Channel("db1.internal:3307", "1", lag=0.0)),
        ({"Source_Host": "d\x1bb\u00e41"}, Channel("d?b?1:3306", "1", lag=0.0)),
        ({"Source_Host": "x" * 255}, Channel(f"{'x' * 80}:3306", "1", lag=0.0)),
        ({"Source_Server_Id": "0"}, Channel("10.20.0.11:3306", "", lag=0.0)),
        ({"Source_UUID": OTHER}, Channel("10.20.0.11:3306", OTHER, lag=0.0)),
        ({"Source_UUID": ""}, Channel("10.20.0.11:3306", "1", lag=0.0)),
        ({"Last_IO_Error": "a", "Last_SQL_Error": "b"}, Channel("10.20.0.11:3306", "1", lag=0.0, problem="an error")),
        ({"Last_SQL_Error": "b"}, Channel("10.20.0.11:3306", "1", lag=0.0, problem="an error")),
    ],
)
def test_channels(said: Any, expected: Channel) -> None:
    """Whom it follows, as the host itself calls it; NULL is no lag of 0; a source that was never met has no id."""
    assert _channel(**said) == expected


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (
            "1045",
            "error connecting to master 'repl@10.20.0.11:3306' - message: Access denied for user 'repl'@'10.20.0.12'",
            "error 1045, the source refuses its account",
        ),
        ("2003", "Can't connect to MySQL server on '10.20.0.11'", "error 2003, the source cannot be reached"),
        (
            "13114",
            "Got fatal error 1236 from source when reading data from binary log: '/var/lib/mysql/binlog.000007'",
            "error 13114, the source does not have what it asks for",
        ),
        ("1234", "something that nobody knows", "error 1234"),
        ("x", "something that nobody knows", "an error"),
    ],
)
def test_a_receiver_s_error_is_told_without_the_server_s_text(code: str, text: str, told: str) -> None:
    """It names accounts, files and whatever the source said, and anybody in the cluster may read the status."""
    assert _channel(Last_IO_Errno=code, Last_IO_Error=text).problem == told


ROW_EVENT = (
    "Could not execute Write_rows_v1 event on table shop.users; Duplicate entry 'jane.roe@example.com' for key "
    "'PRIMARY', Error_code: 1062; handler error HA_ERR_FOUND_DUPP_KEY; the event's master log mysql-bin.000001, "
    "end_log_pos 1234"
)
STATEMENT = (
    "Error 'Duplicate entry '7' for key 'PRIMARY'' on query. Default database: 'shop'. "
    "Query: 'INSERT INTO shop.users VALUES (7,'jane.roe@example.com','4111-1111-1111-1111')'"
)
ACCOUNT = (
    "Error 'Operation CREATE USER failed for 'x'@'%'' on query. Default database: ''. Query: 'CREATE USER 'x'@'%' "
    "IDENTIFIED WITH 'mysql_native_password' AS '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19''"
)
WORKER = (
    "Coordinator stopped because there were error(s) in the worker(s). The most recent failure being: Worker 1 failed "
    "executing transaction '3e11fa47-71ca-11e1-9e33-c80aa9429562:5' at source log binlog.000002, end_log_pos 77. "
    "Table 'shop.orders' doesn't exist"
)


@pytest.mark.parametrize(
    ("code", "text", "problem"),
    [
        ("1062", ROW_EVENT, "error 1062, duplicate key, table shop.users, at mysql-bin.000001:1234"),
        ("1062", STATEMENT, "error 1062, duplicate key"),
        ("1396", ACCOUNT, "error 1396, statement about an account failed"),
        ("1146", WORKER, "error 1146, no such table, table shop.orders, at binlog.000002:77"),
        ("99999999", "secret", "an error"),
        ("1234", "on table no`name; secret", "error 1234"),
        ("0", "", ""),
    ],
)
def test_an_appliers_error_shows_no_statement_and_no_value(code: str, text: str, problem: str) -> None:
    """What everybody may read names the error, the table and the place, and nothing of the data."""
    assert _channel(Last_SQL_Errno=code, Last_SQL_Error=text).problem == problem


def test_what_is_configured_nowhere_is_no_channel() -> None:
    """Nor is the inside of Group Replication, which MySQL lists as channels of its own."""
    inside = {**CHANNEL, "Channel_Name": "group_replication_applier", "Source_Host": "<NULL>"}
    named = {**CHANNEL, "Channel_Name": "from_another_site"}
    assert _facts(MYSQL, {**CHANNEL, "Source_Host": ""}, inside, named).channels == (RUNNING,)


@pytest.mark.parametrize(
    ("heartbeats", "lag"),
    [
        ([("1", "2500000")], 2.5),
        ([("7", "1"), ("1", "0"), ("8", "2")], 0.0),
        ([("1", "-120000")], 0.0),
        ([("1", None)], None),
        ([("7", "1000000")], 1.0),
        ([("1", "90000000"), ("7", "1000000")], 1.0),
        ([], None),
    ],
    ids=["behind", "several", "its-clock-is-ahead", "no-time", "further-up", "source-beats-no-more", "empty"],
)
def test_a_heartbeat_tells_the_lag_instead(heartbeats: list[tuple[str, str | None]], lag: float | None) -> None:
    """The freshest row counts, as pt-heartbeat has it: of the source, or of the primary that it follows itself."""
    rows: list[Said] = [{"server_id": server, "behind": behind} for server, behind in heartbeats]
    (channel,) = _facts(MARIADB, CHANNEL, heartbeats=rows).channels
    assert channel.lag == lag


def test_of_several_sources_each_has_its_own_heartbeat() -> None:
    """One that beats does not hide that another lags; one that does not beat is a link in a chain."""
    other = {**CHANNEL, "Source_Server_Id": "2"}
    rows: list[Said] = [{"server_id": "1", "behind": "9000000"}, {"server_id": "2", "behind": "0"}]
    assert [one.lag for one in _facts(MARIADB, CHANNEL, other, heartbeats=rows).channels] == [9.0, 0.0]
    rows = [{"server_id": "7", "behind": "4000000"}, {"server_id": "2", "behind": "0"}]
    assert [one.lag for one in _facts(MARIADB, CHANNEL, other, heartbeats=rows).channels] == [4.0, 0.0]


@pytest.mark.parametrize(("behind", "told"), [("-3600000000", "3600 s"), ("-1900000", ""), ("0", ""), (None, "")])
def test_a_heartbeat_in_the_future_is_told(behind: str | None, told: str) -> None:
    """It would hide any lag; small differences of clocks are none."""
    said = beat_ahead([{"server_id": b"7", "behind": behind and behind.encode()}])  # type: ignore[dict-item]
    assert (told in said) if told else not said


def _galera(**said: str) -> Group | None:
    rows: list[Said] = [{"Variable_name": name, "Value": value} for name, value in {**GALERA, **said}.items()]
    return _facts(MARIADB, galera=rows).group


@pytest.mark.parametrize(
    ("said", "state", "member", "donor"),
    [
        ({}, "Synced", True, False),
        ({"wsrep_local_state": "2", "wsrep_local_state_comment": "Donor/Desynced"}, "Donor/Desynced", False, True),
        ({"wsrep_local_state": "3", "wsrep_local_state_comment": "Joined"}, "Joined", False, False),
        ({"wsrep_ready": "OFF"}, "Synced, not ready", False, False),
        ({"wsrep_cluster_status": "non-Primary"}, "Synced, non-Primary", False, False),
        (
            {
                "wsrep_local_state": "2",
                "wsrep_local_state_comment": "Donor/Desynced",
                "wsrep_cluster_status": "non-Primary",
                "wsrep_ready": "OFF",
            },
            "Donor/Desynced, non-Primary, not ready",
            False,
            False,
        ),
        (dict.fromkeys(GALERA, ""), "without a state, without a cluster, not ready", False, False),
    ],
)
def test_galera(said: dict[str, str], state: str, member: bool, donor: bool) -> None:  # noqa: FBT001 -- parameters of the table
    """A member is ready, in the part with the quorum, and in sync; a donor is all but in sync. Each may write."""
    assert _galera(**said) == Group("Galera", state, member=member, writer=True, donor=donor, several=True)


def _member(*members: tuple[str, str, str], single: str = "1") -> Group | None:
    rows: list[Said] = [
        {
            "own": own,
            "MEMBER_ID": f"uuid-{number}",
            "MEMBER_STATE": state,
            "MEMBER_ROLE": role,
            "single": single,
            "name": "orders",
        }
        for number, (own, state, role) in enumerate(members)
    ]
    return _facts(MYSQL, members=rows).group


def _in_group(state: str, count: int, **said: bool) -> Group:
    members = frozenset(f"uuid-{number}" for number in range(count))
    return Group("Group Replication", state, name="orders", members=members, **said)


FIRST, SECOND, THIRD = ("1", "ONLINE", "PRIMARY"), ("0", "ONLINE", "SECONDARY"), ("0", "ONLINE", "SECONDARY")
GONE = ("0", "UNREACHABLE", "SECONDARY")


@pytest.mark.parametrize(
    ("members", "state", "member", "writer"),
    [
        ([FIRST, SECOND, THIRD], "ONLINE, PRIMARY", True, True),
        ([SECOND, ("1", "ONLINE", "SECONDARY"), THIRD], "ONLINE, SECONDARY", True, False),
        ([FIRST, SECOND, GONE], "ONLINE, PRIMARY", True, True),
        ([FIRST, GONE, GONE], "ONLINE, PRIMARY, without a majority", False, True),
        ([FIRST, GONE], "ONLINE, PRIMARY, without a majority", False, True),
        ([("1", "RECOVERING", "SECONDARY"), SECOND], "RECOVERING, SECONDARY", False, False),
        ([("1", "OFFLINE", "")], "OFFLINE", False, False),
        ([("1", "ERROR", "")], "ERROR", False, False),
    ],
)
def test_group_replication(members: list[tuple[str, str, str]], state: str, member: bool, writer: bool) -> None:  # noqa: FBT001 -- parameters of the table
    """ONLINE is not enough: a member that lost the majority calls itself so, and can write nothing."""
    assert _member(*members) == _in_group(state, len(members), member=member, writer=writer)


def test_several_members_may_write_where_the_group_says_so() -> None:
    """That each is PRIMARY then is no conflict."""
    group = _member(FIRST, ("0", "ONLINE", "PRIMARY"), single="0")
    assert group == _in_group("ONLINE, PRIMARY", 2, member=True, writer=True, several=True)


def test_a_server_that_never_joined_is_in_no_group() -> None:
    """The table then has one row, OFFLINE, of nobody."""
    assert _member(("", "OFFLINE", "")) is None
    assert _member() is None


@pytest.mark.parametrize(
    ("settings", "history"),
    [
        ({**MARIADB, "gtid_binlog_state": "0-1-7,0-2-9,1-1-3"}, {"0-1": 7, "0-2": 9, "1-1": 3}),
        ({**MARIADB, "gtid_slave_pos": "0-1-12,2-5-1"}, {"0-1": 12, "2-5": 1}),
        ({**MARIADB, "gtid_binlog_state": "", "gtid_slave_pos": ""}, {}),
        ({**MARIADB, "gtid_binlog_state": "of another kind"}, {}),
        ({**MYSQL, "gtid_executed": f"{UUID}:1-77"}, {UUID: 77}),
        ({**MYSQL, "gtid_executed": f"{UUID}:1-3:5-9:11,\n{OTHER}:4"}, {UUID: 11, OTHER: 4}),
        ({**MYSQL, "gtid_executed": f"{UUID}:1-3:tag:1-9:12"}, {UUID: 3, f"{UUID}:tag": 12}),
        ({**MYSQL, "gtid_executed": "of another kind:1"}, {}),
        ({**MYSQL, "gtid_executed": f"{UUID}:1-5,".ljust(HISTORY_LIMIT + 1, "x")}, None),
        ({**MARIADB, "gtid_binlog_state": "0-1-7,".ljust(HISTORY_LIMIT + 1, "x"), "gtid_slave_pos": "0-1-5"}, None),
    ],
)
def test_history(settings: Said, history: Mapping[str, int]) -> None:
    """The last number of each who wrote; what is too long is no history at all, since a part of it would mislead."""
    assert _facts(settings).history == history


@pytest.mark.parametrize("said", ["", "-1", "1.5", "x", "9" * 21, "\u0661"])
def test_a_lag_that_is_no_number_is_no_answer(said: str) -> None:
    """Nobody can make sense of that."""
    with pytest.raises(Broken, match="number of seconds"):
        _channel(Seconds_Behind_Source=said)


@pytest.mark.parametrize("rows", [[], [MARIADB, MARIADB], [{**MARIADB, "read_only": None}], [{"server_id": "1"}]])
def test_who_does_not_say_whether_it_is_read_only_is_no_primary(rows: list[Said]) -> None:
    """Nothing is taken for granted."""
    with pytest.raises(Broken, match="read-only"):
        facts_of({Part.SETTINGS: [_row(one) for one in rows], Part.CHANNELS: []})
