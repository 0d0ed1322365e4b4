"""The frame of ending sessions: a session of ours or a login, one deadline, and what becomes of the session."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ground.asking import target_of
from ground.listeners import closed_port
from ground.puppet import puppet
from ground.talking import talking
from mooring.model import Target
from mooring.protocols.exchange import Session
from mooring.protocols.kill import TIMEOUTS, Ended, end_sessions
from mooring.protocols.secret import Secret

USERS = ("app",)
SECRET = Secret(b"correct-horse-battery")


def _target(port: int = 1, **more: float) -> Target:
    return target_of("redis", "127.0.0.1", port, **more)


def _ended(reply: Callable[[bytes], bytes], *, timeout: float = 10.0) -> Ended:
    with talking(reply) as sock:
        ended = end_sessions(_target(timeout=timeout), Session(sock, b"bye", SECRET), USERS)
        assert ended.session is None or not sock.getblocking()
        assert (sock.fileno() < 0) is (ended.session is None)
    return ended


def test_a_session_that_is_fit_for_more_comes_back() -> None:
    """Non-blocking, as it was."""
    ended = _ended(lambda _: b":2\r\n")
    assert ended.session
    assert (ended.count, ended.error) == (2, "")


def test_a_refusal_leaves_the_session_as_it_is() -> None:
    """What the server says is made fit for logs, without what looks like our password."""
    ended = _ended(lambda _: b"-ERR no\x07 correct-horse-battery\r\n")
    assert ended.session
    assert (ended.count, ended.error) == (0, "ERR no\\x07 ***")


@pytest.mark.parametrize(("answer", "error"), [(b"+OK\r\n", "answers CLIENT KILL"), (b"", "closed the connection")])
def test_a_session_that_broke_is_closed(answer: bytes, error: str) -> None:
    """With its farewell, where that can be said."""
    said: list[bytes] = []

    def reply(data: bytes) -> bytes:
        said.append(data)
        return answer

    ended = _ended(reply)
    assert error in ended.error
    assert ended.session is None
    assert not answer or said[-1] == b"bye"


def test_one_deadline_bounds_all_of_it() -> None:
    """A few times the target's timeout, whatever the server does."""
    started = time.monotonic()

    def reply(_: bytes) -> bytes:
        time.sleep(2 * TIMEOUTS * 0.05)
        return b":1\r\n"

    ended = _ended(reply, timeout=0.05)
    assert ended == Ended(0, "no whole answer in time (waiting for the server)", None)
    assert time.monotonic() - started >= TIMEOUTS * 0.05


def test_without_a_session_a_login_is_made() -> None:
    """As the engine makes it; what the fake answers to CLIENT KILL is nothing, and the deadline ends that."""
    with puppet() as server:
        ended = end_sessions(_target(server.port, timeout=0.2), None, USERS)
        assert (server.logins, ended.error) == (1, "no whole answer in time (waiting for the server)")


def test_a_login_that_does_not_work_is_told() -> None:
    """There is nobody to speak to, or nothing to say."""
    assert end_sessions(_target(closed_port()), None, USERS).error == "no login: Connection refused (connecting)"
    tcp = target_of("tcp", "127.0.0.1", closed_port())
    assert end_sessions(tcp, None, USERS) == Ended(0, "tcp has no sessions to end", None)
    with puppet() as server:
        server.turns_away = True
        assert end_sessions(_target(server.port), None, USERS).error.startswith("no login: ")


def test_an_error_that_no_table_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends nobody's thread."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("unheard of")

    monkeypatch.setattr("mooring.protocols.redis.kill._told", broken)
    assert _ended(lambda _: b"-ERR\r\n").error == "ZeroDivisionError: unheard of"
