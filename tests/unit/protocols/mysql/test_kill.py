"""Ending sessions on MySQL and MariaDB: the statements, and the result of each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP
from mooring.protocols.mysql.kill import OWN, SEES_ALL, WHO, end_own, kill, listing
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.results import MOST_SESSIONS, KillResult
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from support import packets
from support.scripted_session import talking

USERS = ("app", "o'brien")
DENIED = packets.error(1095, "You are not owner of thread 7", 1)
BLIND = packets.error(1227, "you need the PROCESS privilege(s)", 1)
GONE = packets.error(1094, "Unknown thread id: 8", 1)


class Server:
    """Answers statements; ``said`` are those that it received."""

    def __init__(self, numbers: tuple[str | None, ...], answers: Mapping[str, bytes] | None = None) -> None:
        self.said: list[str] = []
        self.version = "10.11.19-MariaDB-log"
        self._numbers = numbers
        self._answers = answers or {}

    def reply(self, data: bytes) -> bytes:
        assert data[:5] == len(data[4:]).to_bytes(3, "little") + b"\0\x03"
        statement = data[5:].decode()
        self.said.append(statement)
        usual: Mapping[str, Callable[[], bytes]] = {
            SEES_ALL: packets.result,
            listing(USERS): lambda: packets.result(*self._numbers),
            WHO: lambda: packets.result(f"{self.version} mooring@10.%"),
        }
        return self._answers.get(statement) or usual.get(statement, lambda: packets.ok(1))()


def _ended(server: Server, *, seconds: float = 60.0, cap: int = 4 * CAP) -> KillResult:
    result = KillResult()
    with talking(server.reply) as sock:
        line = BoundedSocket(sock, time.monotonic() + seconds, cap)
        kill(line, MysqlOptions(), USERS, result)
        assert line.unread == 0
    return result


def test_every_session_that_is_listed_is_ended() -> None:
    """First whether we can see others at all, then who is there, then each by its number."""
    server = Server(("7", "18446744073709551615"))
    assert _ended(server) == KillResult(2)
    assert server.said == [SEES_ALL, listing(USERS), "KILL 7", "KILL 18446744073709551615"]


def test_the_list_names_users_and_nobody_else() -> None:
    """In hexadecimal, so that no name can end the string; never Mooring, a replica or a thread of the server."""
    said = listing(USERS)
    assert "CAST(USER AS BINARY) IN (0x617070, 0x6f27627269656e)" in said
    assert "ID <> CONNECTION_ID()" in said
    assert "COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon', 'Killed')" in said


def test_nobody_is_there() -> None:
    """That is no fault."""
    assert _ended(Server(())) == KillResult(0)


def test_a_session_that_has_gone_meanwhile_is_no_fault_and_not_counted() -> None:
    """Error 1094."""
    assert _ended(Server(("7", "8", "9"), {"KILL 8": GONE})) == KillResult(2)


def test_one_session_that_may_not_be_ended_hinders_no_other() -> None:
    """A user with SYSTEM_USER may be among them; the missing privilege is reported once."""
    result = _ended(Server(("7", "8", "9"), {"KILL 7": DENIED, "KILL 9": DENIED}))
    assert result.count == 1
    assert result.error == (
        "needs GRANT PROCESS, CONNECTION ADMIN ON *.* TO 'mooring'@'10.%' (1095: You are not owner of thread 7)"
    )


def test_without_process_nothing_is_tried() -> None:
    """An empty list would look like success; MySQL calls the other right by another name."""
    server = Server(("7",), {SEES_ALL: BLIND})
    server.version = "8.4.2"
    result = _ended(server)
    assert result.count == 0
    assert result.error.startswith("needs GRANT PROCESS, CONNECTION_ADMIN ON *.* TO 'mooring'@'10.%' (1227: ")
    assert server.said == [SEES_ALL, WHO]


@pytest.mark.parametrize(
    ("version", "grant"),
    [
        ("11.8.9-MariaDB-0+deb13u1 from Debian-log", "PROCESS, CONNECTION ADMIN ON"),
        ("8.4.2", "PROCESS, CONNECTION_ADMIN ON"),
        ("5.7.22-log", "PROCESS, SUPER ON"),
    ],
)
def test_the_missing_grant_is_named_as_this_server_knows_it(version: str, grant: str) -> None:
    """A version with blanks in it is no part of the account's name; MySQL 5.7 knows only SUPER."""
    server = Server(("7",), {"KILL 7": DENIED})
    server.version = version
    assert _ended(server).error.startswith(f"needs GRANT {grant} *.* TO 'mooring'@'10.%' (1095: ")


@pytest.mark.parametrize(
    ("listed", "answers", "said"),
    [
        (("7",), {}, [OWN.format(7), "KILL 7"]),
        ((), {}, [OWN.format(7)]),
        (("7",), {"KILL 7": packets.error(1094, "Unknown thread id: 7", 1)}, [OWN.format(7), "KILL 7"]),
        (("7",), {"KILL 7": DENIED}, [OWN.format(7), "KILL 7"]),
        (("7",), {OWN.format(7): DENIED}, [OWN.format(7)]),
    ],
    ids=["there", "gone", "just gone", "refused", "list refused"],
)
def test_a_connection_of_our_own_is_ended(
    listed: tuple[str, ...], answers: Mapping[str, bytes], said: list[str]
) -> None:
    """Only one of the account that is logged in: behind a proxy the id may be somebody else's."""
    server = Server((), {OWN.format(7): packets.result(*listed), **answers})
    with talking(server.reply) as sock:
        end_own(BoundedSocket(sock, time.monotonic() + 100, CAP), 7)
    assert server.said == said


def test_another_refusal_is_reported_as_it_is() -> None:
    """No right would help against a server that shuts down."""
    result = _ended(Server((), {SEES_ALL: packets.error(1053, "Server shutdown in progress", 1)}))
    assert result == KillResult(0, "1053: Server shutdown in progress")


def test_a_thousand_are_ended_at_most() -> None:
    """The result reports that there are more; a thousand refusals stay within the cap."""
    many = tuple(str(number) for number in range(MOST_SESSIONS + 1))
    result = _ended(Server(many))
    assert (result.count, result.error) == (1000, "there are more than 1000 sessions; the others stay")
    refused = {f"KILL {number}": packets.error(1095, f"You are not owner of thread {number}", 1) for number in many}
    assert _ended(Server(many, refused)).error.endswith("(1095: You are not owner of thread 0)")


@pytest.mark.parametrize(
    "answer",
    [
        packets.ok(2),
        packets.packet(b"", 1),
        packets.load_local("/etc/passwd", 1),
        packets.packet(b"\x02\x00", 1),
        packets.result("1")[:-5] + b"\x01\x00\x00\x09\xfe",
        packets.result(None),
    ],
    ids=["out-of-order", "empty", "wants-a-file", "no-columns", "rows-out-of-order", "null"],
)
def test_what_is_no_answer_ends_the_talk(answer: bytes) -> None:
    """The connection is not used again."""
    with pytest.raises(Failure) as failed:
        _ended(Server((), {SEES_ALL: answer}))
    assert failed.value.reason is Reason.PROTOCOL


def test_a_session_without_a_number_is_not_ended() -> None:
    """Nothing of the server's words is ever repeated to it as a statement."""
    server = Server(("7; DROP DATABASE app",))
    with pytest.raises(Failure, match="without a number"):
        _ended(server)
    assert len(server.said) == 2


def test_what_was_ended_before_the_connection_broke_is_counted() -> None:
    """The server ends us in the middle."""
    result, server = KillResult(), Server(("7", "8"))

    def reply(data: bytes) -> bytes:
        return b"" if data.endswith(b"KILL 8") else server.reply(data)

    with talking(reply) as sock, pytest.raises(Failure) as failed:
        kill(BoundedSocket(sock, time.monotonic() + 100, CAP), MysqlOptions(), USERS, result)
    assert (failed.value.reason, result.count) == (Reason.RESET, 1)
