"""A login that asks for the facts of a role."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from pymysql.constants import CLIENT

from mooring.model.facts import Channel, Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import Role
from mooring.model.targets import Target
from mooring.model.verdicts import Outcome
from mooring.protocols.mysql.asking import exchange
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.mysql.question import LEARN, flavour_of, question_for
from support import packets
from support.held_session import ask as ask_held
from support.held_session import enter
from support.packets import Table
from support.probe_once import ask, target_of
from support.rogue_servers import Peer, Play, Rogue, rogue

VARIABLES: Table = (
    ["Variable_name", "Value"],
    [["gtid_domain_id", "0"], ["read_only", "ON"], ["server_id", "2"], ["version", "10.11.19-MariaDB"]],
)
SETTINGS: Table = (
    ["read_only", "server_id", "gtid_binlog_state", "gtid_slave_pos", "account"],
    [["1", "2", "", "0-1-7", "mooring@%"]],
)
CHANNELS: Table = (
    [
        *("Master_Host", "Master_Port", "Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master"),
        *("Last_IO_Errno", "Last_IO_Error", "Last_SQL_Errno", "Last_SQL_Error", "Master_Server_Id"),
    ],
    [["10.20.0.11", "3306", "Connecting", "Yes", None, "2003", "Can't connect\x1b", "0", "", "1"]],
)
LEARNED, SAID = packets.learned(VARIABLES), packets.results(SETTINGS, CHANNELS)
ASKED = question_for(flavour_of({name or "": value or "" for name, value in VARIABLES[1]}), None).request
CHANNEL = Channel(
    "10.20.0.11:3306", "1", receiving=False, trying=True, problem="error 2003, the source cannot be reached"
)
FACTS = Facts(identity="2", read_only="read_only=1", channels=(CHANNEL,), history={"0-1": 7})


def _answers(*answers: bytes) -> Play:
    """Lets everybody in, and answers one question after the other with these."""

    def play(peer: Peer) -> None:
        peer.send(packets.greeting())
        peer.receive_packet()
        peer.send(packets.ok(2))
        for answer in answers:
            peer.receive_packet()
            peer.send(answer)
        peer.hold()

    return play


OPTIONS = MysqlOptions(user="probe", role=Role.PRIMARY)


def _target(server: Rogue) -> Target:
    return target_of("mysql", server.address, server.port, user="probe", role="primary")


def test_a_login_learns_what_the_server_is_and_asks_in_its_words() -> None:
    """Two questions, one round trip each; several statements at once are allowed to this session."""
    with rogue(_answers(LEARNED, SAID)) as server:
        seen = ask("mysql", server.address, server.port, user="probe", role="primary")
    assert replace(seen, latency=None) == Observation(Reason.OK, facts=FACTS)
    login, learning, behind = server.received.partition(packets.packet(b"\x03" + LEARN.encode(), 0))
    assert (bool(learning), behind[: len(ASKED)]) == (True, ASKED)
    assert struct.unpack_from("<I", login, 4)[0] & CLIENT.MULTI_STATEMENTS


def test_who_asks_for_no_facts_may_not_ask_several_things_at_once() -> None:
    """The flag would let a query of the file be two."""
    with rogue(_answers(packets.result("1"))) as server:
        assert ask("mysql", server.address, server.port, user="probe").reason is Reason.OK
    assert not struct.unpack_from("<I", server.received, 4)[0] & CLIENT.MULTI_STATEMENTS


def test_the_password_is_in_no_fact(password_file: str) -> None:
    """A server's words about its replication are cleaned like any other."""
    error = "Duplicate entry; the event's master log correct-horse-battery, end_log_pos 7"
    channels = (CHANNELS[0], [[*CHANNELS[1][0][:5], "0", "", "1062", error, "1"]])
    with rogue(_answers(LEARNED, packets.results(SETTINGS, channels))) as server:
        facts = ask(
            "mysql", server.address, server.port, user="probe", passwordFile=password_file, role="primary"
        ).facts
    assert facts
    assert facts.channels[0].problem == "error 1062, duplicate key, at ***:7"


def test_a_held_session_tells_the_same() -> None:
    """It is asked as its own login learned, and only asks for facts where a login has learned anything."""
    with rogue(_answers(LEARNED, SAID, SAID, SAID)) as server:
        target = _target(server)
        login_result = enter(target)
        assert login_result.session
        answers = [ask_held(login_result.session, target) for _ in range(2)]
        login_result.session.sock.close()
    assert [answer and answer.observation.facts for answer in answers] == [FACTS, FACTS]
    assert login_result.observation.facts == FACTS
    assert exchange(OPTIONS, login_result.session.server).request == ASKED
    assert exchange(OPTIONS).request == packets.packet(b"\x0e", 0)


def test_sessions_with_and_without_facts_are_two() -> None:
    """Over one that learned nothing, nobody could ask."""
    blocks = ({"user": "probe", "role": role} for role in ("primary", "replica", "any"))
    primary, replica, neither = (MysqlOptions.model_validate(block).login_key() for block in blocks)
    assert primary == replica != neither


DENIED = packets.results(SETTINGS, end=packets.denied(1227, "Access denied"))
UNREAD = Outcome(Reason.AUTH, "needs GRANT REPLICA MONITOR ON *.* TO 'mooring'@'%' (1227: Access denied)")


@pytest.mark.parametrize(
    ("answers", "reason", "unread", "held"),
    [
        ((LEARNED, SAID), Reason.OK, None, True),
        ((LEARNED, DENIED), Reason.OK, UNREAD, True),
        ((packets.error(1047, "not prepared", 1),), Reason.NOT_SYNCED, None, True),
        ((LEARNED, packets.error(1047, "not prepared", 1)), Reason.NOT_SYNCED, None, True),
        ((packets.error(1053, "shutdown", 1),), Reason.OFFLINE, None, False),
        ((LEARNED, packets.ok(1)), Reason.PROTOCOL, None, False),
        ((packets.ok(1),), Reason.PROTOCOL, None, False),
        ((LEARNED + b"x", SAID), Reason.PROTOCOL, None, False),
        ((LEARNED + packets.error(1927, "killed", 0),), Reason.PROTOCOL, None, False),
        ((LEARNED, SAID + b"x"), Reason.OK, None, False),
        ((LEARNED, packets.results(SETTINGS, CHANNELS, status=3)), Reason.OK, None, False),
        ((LEARNED, b"\xff" * 70_000), Reason.PROTOCOL, None, False),
    ],
    ids=[
        *("facts", "no-grant", "galera-at-once", "galera", "shutdown", "ok", "ok-at-once", "too-much-at-once"),
        *("killed", "too-much", "transaction", "endless"),
    ],
)
def test_how_a_login_may_end(
    answers: tuple[bytes, ...],
    reason: Reason,
    unread: Outcome | None,
    held: bool,  # noqa: FBT001 -- a parameter of the table
) -> None:
    """A session is held where it can be asked again: also where a grant is missing, which may come."""
    with rogue(_answers(*answers)) as server:
        login_result = enter(_target(server))
        if login_result.session:
            login_result.session.sock.close()
    assert (login_result.observation.reason, login_result.observation.unread) == (reason, unread)
    assert (login_result.session is not None) is held
