"""What rows say of a role. MariaDB's are as 10.11 tells them; MySQL's are built from its documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mooring.facts import Channel, Facts, Group
from mooring.protocols.mysql.facts import facts_of
from mooring.protocols.mysql.packets import Broken
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
    **dict.fromkeys(("Last_IO_Error", "Last_SQL_Error"), ""),
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
    """The server still answers whoever it let in, and others are turned away."""
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
        ({"Last_IO_Error": "a", "Last_SQL_Error": "b"}, Channel("10.20.0.11:3306", "1", lag=0.0, problem="a")),
        ({"Last_SQL_Error": "b"}, Channel("10.20.0.11:3306", "1", lag=0.0, problem="b")),
    ],
)
def test_channels(said: Any, expected: Channel) -> None:
    """Whom it follows, as the host itself calls it; NULL is no lag of 0; a source that was never met has no id."""
    assert _channel(**said) == expected


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
        ([("7", "1000000")], None),
        ([], None),
    ],
    ids=["behind", "several", "its-clock-is-ahead", "no-time", "another-server", "empty"],
)
def test_a_heartbeat_tells_the_lag_instead(heartbeats: list[tuple[str, str | None]], lag: float | None) -> None:
    """The row of the source counts, as pt-heartbeat has it; where there is none, nobody knows the lag."""
    rows: list[Said] = [{"server_id": server, "behind": behind} for server, behind in heartbeats]
    (channel,) = _facts(MARIADB, CHANNEL, heartbeats=rows).channels
    assert channel.lag == lag


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
        (dict.fromkeys(GALERA, ""), "of no state, of no cluster, not ready", False, False),
    ],
)
def test_galera(said: dict[str, str], state: str, member: bool, donor: bool) -> None:  # noqa: FBT001 -- parameters of the table
    """A member is ready, in the part with the quorum, and in sync; a donor is all but in sync. Each may write."""
    assert _galera(**said) == Group("Galera", state, member=member, writer=True, donor=donor, several=True)


def _member(*members: tuple[str, str, str], single: str = "1") -> Group | None:
    rows: list[Said] = [
        {"own": own, "MEMBER_STATE": state, "MEMBER_ROLE": role, "single": single} for own, state, role in members
    ]
    return _facts(MYSQL, members=rows).group


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
    assert _member(*members) == Group("Group Replication", state, member=member, writer=writer)


def test_several_members_may_write_where_the_group_says_so() -> None:
    """That each is PRIMARY then is no conflict."""
    group = _member(FIRST, ("0", "ONLINE", "PRIMARY"), single="0")
    assert group == Group("Group Replication", "ONLINE, PRIMARY", member=True, writer=True, several=True)


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
