"""The talk about a role. The columns are MariaDB 10.11's, by the newer words, and MySQL's from its documentation."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from mooring.model.facts import Channel, Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.verdicts import Outcome
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.mysql.question import Flavour, Server
from mooring.protocols.mysql.results import AskFacts, Learn
from support import packets
from support.packets import Table

SETTINGS: Table = (["read_only", "server_id", "gtid_binlog_state", "gtid_slave_pos", "account"], [])
MARIADB = Flavour(mariadb=True, version=(10, 11, 19), settings=tuple(SETTINGS[0][:-1]), galera=False, group=False)
MYSQL = Flavour(
    mariadb=False, version=(8, 0, 21), settings=("read_only", "offline_mode", "server_uuid"), galera=False, group=True
)
CHANNELS: Table = (
    [
        *("Connection_name", "Master_Host", "Master_User", "Master_Port", "Read_Master_Log_Pos", "Slave_IO_Running"),
        *("Slave_SQL_Running", "Replicate_Do_DB", "Seconds_Behind_Master", "Last_IO_Errno", "Last_IO_Error"),
        *("Last_SQL_Errno", "Last_SQL_Error", "Master_Server_Id", "Using_Gtid", *map("Other_{}".format, range(40))),
    ],
    [],
)
HEARTBEATS: Table = (["server_id", "behind"], [["1", "2500000"]])
RUNNING = Channel("10.20.0.11:3306", "1", lag=0.0)


def primary(position: int = 7, account: str = "mooring@%") -> Table:
    return SETTINGS[0], [["0", "1", f"0-1-{position}", "", account]]


def replica(position: str = "4711", lag: str | None = "0", io: str = "Yes", sql: str = "Yes") -> Table:
    row = ["", "10.20.0.11", "repl", "3306", position, io, sql, "", lag, "0", "", "0", "", "1", "Slave_Pos"]
    return CHANNELS[0], [[*row, *["x"] * 40]]


PRIMARY = packets.results(primary(), CHANNELS)
REPLICA = packets.results(primary(), replica())


def _fed(asked: AskFacts | Learn, *pieces: bytes) -> Answer | None:
    answers = (asked.feed(piece) for piece in pieces)
    return next((answer for answer in answers if answer is not None), None)


def _told(said: bytes, flavour: Flavour = MARIADB, heartbeat: str | None = None) -> Answer:
    answer = _fed(AskFacts(Server(flavour), heartbeat), said)
    assert answer is not None
    return answer


def _facts(said: bytes, flavour: Flavour = MARIADB, heartbeat: str | None = None) -> Facts:
    answer = _told(said, flavour, heartbeat)
    assert answer.observation.facts, answer
    return answer.observation.facts


def test_a_primary_and_a_replica() -> None:
    """The newer words for a column and the older ones are the same."""
    assert _facts(PRIMARY) == Facts(identity="1", history={"0-1": 7})
    assert _facts(REPLICA) == Facts(identity="1", channels=(RUNNING,), history={"0-1": 7})
    renamed = [name.replace("Master", "Source").replace("Slave", "Replica") for name in CHANNELS[0]]
    assert _facts(packets.results(primary(), (renamed, replica()[1]))) == _facts(REPLICA)


def test_every_part_is_reported_by_its_own_result() -> None:
    """The lag by the heartbeat, what MySQL knows besides, and its group at the end."""
    with_heartbeat = _facts(packets.results(primary(), replica(), HEARTBEATS), heartbeat="percona.heartbeat")
    assert with_heartbeat.lag == 2.5
    mysql: Table = ([*MYSQL.settings, "account"], [["1", "1", "3e11fa47", "mooring@%"]])
    channels: Table = ([*CHANNELS[0], "Master_UUID", "Channel_Name"], [])
    members: Table = (
        ["own", "MEMBER_ID", "MEMBER_STATE", "MEMBER_ROLE", "single", "name"],
        [["1", "3e11fa47", "ONLINE", "SECONDARY", "1", "orders"]],
    )
    facts = _facts(packets.results(mysql, channels, members), MYSQL)
    assert (facts.identity, facts.read_only, facts.offline) == ("3e11fa47", "read_only=1", "offline_mode=1")
    assert facts.role == "ONLINE, SECONDARY"


@pytest.mark.parametrize("said", [PRIMARY, REPLICA], ids=["primary", "replica"])
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("repeated", [False, True], ids=["first", "repeated"])
def test_an_answer_may_be_cut_anywhere(said: bytes, size: int, repeated: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """The outcome is the same at the first and at a repeated answer, and there is none before all bytes are there."""
    whole, server = _told(said), Server(MARIADB)
    if repeated:
        _fed(AskFacts(server, None), said)
    pieces = [said[place : place + size] for place in range(0, len(said), size)]
    assert _fed(AskFacts(server, None), *pieces) == whole
    assert _fed(AskFacts(server, None), *pieces[:-1]) is None


@pytest.mark.parametrize("cut", [1, 30, 200, len(PRIMARY) - 3, len(REPLICA) - 3])
def test_what_changed_is_read_anew(cut: int) -> None:
    """However much of it is as it was: another position, a channel more, and back."""
    server = Server(MARIADB)
    turns = [
        PRIMARY,
        packets.results(primary(8), CHANNELS),
        REPLICA,
        packets.results(primary(), replica("4712")),
        PRIMARY,
    ]
    for said in turns:
        assert _fed(AskFacts(server, None), said[:cut], said[cut:]) == _told(said)


def test_an_answer_that_repeats_is_not_read_again() -> None:
    """The same bytes are the same answer, the very object."""
    server = Server(MARIADB)
    first = _fed(AskFacts(server, None), REPLICA)
    assert _fed(AskFacts(server, None), REPLICA) is first
    assert _fed(AskFacts(server, None), REPLICA[:99], REPLICA[99:]) is first
    assert _fed(AskFacts(server, "percona.heartbeat"), packets.results(primary(), replica(), HEARTBEATS)) != first


def test_what_comes_behind_belongs_to_the_next_question() -> None:
    """Also behind an answer that repeats."""
    server = Server(MARIADB)
    for _ in range(2):
        answer = _fed(AskFacts(server, None), REPLICA + b"behind")
        assert answer
        assert (answer.rest, answer.keep) == (b"behind", True)
        assert _fed(AskFacts(server, None), REPLICA) == _told(REPLICA)


def test_columns_may_move_between_two_answers() -> None:
    """A server of another version that calls itself the same: what is remembered of the first does not mislead."""
    names, (row,) = replica()
    turned: Table = (list(reversed(names)), [list(reversed(row))])
    shorter: Table = (names[:-1], [row[:-1]])
    for table in (replica(), turned, replica(), shorter, turned):
        assert _facts(packets.results(primary(), table)) == _facts(REPLICA)


def test_packets_are_numbered_past_255() -> None:
    """Many channels, and the results behind them."""
    row = replica()[1][0]
    said = packets.results(primary(), (CHANNELS[0], [row] * 300), HEARTBEATS)
    for _ in range(2):
        assert len(_facts(said, heartbeat="percona.heartbeat").channels) == 300


def _ended(tables: Sequence[Table], code: int, text: str = "words") -> bytes:
    return packets.results(*tables, end=packets.denied(code, text))


@pytest.mark.parametrize(
    ("said", "unread"),
    [
        (
            _ended([primary()], 1227),
            Outcome(Reason.AUTH, "needs GRANT REPLICA MONITOR ON *.* TO 'mooring'@'%' (1227: words)"),
        ),
        (
            _ended([primary(account="o'neil@10.0.%")], 1227),
            Outcome(Reason.AUTH, "needs GRANT REPLICA MONITOR ON *.* TO 'o''neil'@'10.0.%' (1227: words)"),
        ),
        (
            _ended([primary(), CHANNELS], 1142),
            Outcome(Reason.AUTH, "needs GRANT SELECT ON `percona`.`heartbeat` TO 'mooring'@'%' (1142: words)"),
        ),
        (
            _ended([primary(), CHANNELS], 1146),
            Outcome(Reason.LOCAL, "has no heartbeat table as in the file (1146: words)"),
        ),
        (
            _ended([primary(), CHANNELS], 1049),
            Outcome(Reason.LOCAL, "has no heartbeat table as in the file (1049: words)"),
        ),
    ],
    ids=["channels", "quotes", "heartbeat", "no-table", "no-database"],
)
def test_a_missing_grant_is_reported_with_its_statement(said: bytes, unread: Outcome) -> None:
    """The host answers all the same, and the session goes on; half of the facts is none."""
    answer = _told(said, heartbeat="percona.heartbeat")
    assert answer == Answer(Observation(Reason.OK, unread=unread))


def test_the_group_s_table_needs_a_grant_too() -> None:
    """Where Group Replication is set up, only this privilege shows the writer."""
    settings: Table = ([*MYSQL.settings, "account"], [["0", "0", "3e11fa47", "mooring@%"]])
    channels: Table = ([*CHANNELS[0], "Master_UUID", "Channel_Name"], [])
    unread = _told(_ended([settings, channels], 1142), MYSQL).observation.unread
    assert unread
    assert "GRANT SELECT ON performance_schema.replication_group_members TO 'mooring'@'%'" in unread.message


@pytest.mark.parametrize(
    ("said", "reason", "keep", "lost"),
    [
        (_ended([], 1047), Reason.NOT_SYNCED, True, False),
        (_ended([primary()], 1047), Reason.NOT_SYNCED, True, False),
        (_ended([primary()], 1146), Reason.PROTOCOL, True, False),
        (_ended([], 1227), Reason.AUTH, True, False),
        (_ended([primary()], 1317), Reason.PROTOCOL, False, True),
        (_ended([primary()], 1053), Reason.OFFLINE, False, True),
        (packets.error(1227, "words", 0), Reason.AUTH, False, False),
        (packets.error(1927, "words", 0), Reason.PROTOCOL, False, True),
    ],
)
def test_other_errors_say_what_they_always_say(said: bytes, reason: Reason, keep: bool, lost: bool) -> None:  # noqa: FBT001 -- parameters of the table
    """A Galera node outside the quorum, a session that is ended, an error that nobody asked for."""
    answer = _told(said)
    assert (answer.observation.reason, answer.observation.unread) == (reason, None)
    assert (answer.keep, answer.lost) == (keep, lost)


def _numbered(*payloads: bytes) -> bytes:
    return b"".join(packets.packet(payload, number % 256) for number, payload in enumerate(payloads, 1))


@pytest.mark.parametrize(
    "said",
    [
        packets.results(primary()),
        packets.results(primary(), CHANNELS, CHANNELS),
        packets.ok(1),
        packets.load_local("/etc/passwd", 1),
        packets.results((SETTINGS[0], []), CHANNELS),
        packets.results(CHANNELS, primary()),
        packets.results(primary(), (CHANNELS[0], [["x"] * 55])),
        packets.results(primary(), (CHANNELS[0], [["x"] * 54])),
        packets.results(primary(), (CHANNELS[0][:8], [])),
        packets.results(primary(), (CHANNELS[0], [replica()[1][0]] * 2000)),
        PRIMARY[:40] + b"\x00" + PRIMARY[41:],
        _numbered(b"\x01", b"\x03def\x00\x00\x00\xfa", b"\xfe\x00\x00\x02\x00"),
        _numbered(b"\xfc\xff\xff"),
        b"HTTP/1.1 400 Bad Request\r\n",
        b"x" * CAP,
    ],
    ids=[
        *("one-result", "three-results", "ok", "load-local", "no-settings", "out-of-order", "nonsense", "a-value-less"),
        *("columns-missing", "beyond-the-cap", "cut-up", "nameless", "too-many-columns", "http", "noise"),
    ],
)
def test_anything_else_counts_against_the_host(said: bytes) -> None:
    """And nothing more is asked over that session; also where the answer before was in order."""
    server = Server(MARIADB)
    for before in (b"", PRIMARY):
        assert not before or _fed(AskFacts(server, None), before)
        answer = _fed(AskFacts(server, None), said[:50], said[50:])
        assert answer
        assert (answer.observation.reason, answer.keep, answer.rest) == (Reason.PROTOCOL, False, b"")
        assert answer.observation.facts is None


@pytest.mark.parametrize("place", range(0, len(PRIMARY), 97))
def test_no_damage_raises(place: int) -> None:
    """One byte changed to any other: an answer or none, but no exception, and no session that is kept by mistake."""
    for value in range(256):
        said = PRIMARY[:place] + bytes([value]) + PRIMARY[place + 1 :]
        answer = _fed(AskFacts(Server(MARIADB), None), said)
        assert answer is None or answer.keep or not answer.rest


def test_a_transaction_that_stays_open_is_not_held() -> None:
    """Its next answer would come from the snapshot of the first."""
    answer = _told(packets.results(primary(), CHANNELS, status=3))
    assert (answer.observation.reason, answer.keep) == (Reason.OK, False)


VARIABLES: Table = (["Variable_name", "Value"], [["gtid_domain_id", "0"], ["Version", "10.11.19-MariaDB"]])


def test_what_a_login_learns() -> None:
    """Names in any case; a value that is not there is empty."""
    asked = Learn()
    answer = _fed(asked, packets.learned(VARIABLES))
    assert answer == Answer(Observation(Reason.OK))
    assert asked.server
    assert (asked.server.flavour.mariadb, asked.server.flavour.version) == (True, (10, 11, 19))


@pytest.mark.parametrize(
    "said", [packets.error(1053, "words", 1), packets.ok(1), packets.results(VARIABLES), packets.learned(CHANNELS)]
)
def test_a_login_that_learns_nothing(said: bytes) -> None:
    """There is no server to ask anything then."""
    asked = Learn()
    assert _fed(asked, said) is not None
    assert asked.server is None


def test_a_request_is_a_whole_packet() -> None:
    """COM_QUERY and its length, three bytes of it."""
    request = AskFacts(Server(MARIADB), None).request
    assert request[4:11] == b"\x03SELECT"
    assert struct.unpack("<I", request[:4])[0] == len(request) - 4
