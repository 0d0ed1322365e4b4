"""The frame of ending sessions: a session of ours, one deadline, and what becomes of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from lab.waiting import wait_until
from mooring.demotion.kill import TIMEOUTS, EndedSessions, end_sessions
from mooring.model.targets import Target
from mooring.protocols.exchange import Session
from mooring.protocols.transport.secret import Secret
from support.probe_once import target_of
from support.scripted_session import talking

USERS = ("app",)
SECRET = Secret(b"correct-horse-battery")


def _target(port: int = 1, **more: float) -> Target:
    return target_of("redis", "127.0.0.1", port, **more)


def _ended(reply: Callable[[bytes], bytes], *, timeout: float = 10.0) -> EndedSessions:
    with talking(reply) as sock:
        ended = end_sessions(_target(timeout=timeout), Session(sock, b"bye", SECRET, connection_id=7), USERS)
        open_still = ended.session is not None or ended.unfinished is not None
        assert (sock.fileno() >= 0) is open_still
        assert not open_still or not sock.getblocking()
    return ended


def test_a_session_that_is_fit_for_more_comes_back() -> None:
    """The lent session comes back non-blocking, as it was."""
    ended = _ended(lambda _: b":2\r\n")
    assert ended.session
    assert (ended.count, ended.error) == (2, "")


def test_a_refusal_leaves_the_session_as_it_is() -> None:
    """The error is cleaned for logs and shows no password."""
    ended = _ended(lambda _: b"-ERR no\x07 correct-horse-battery\r\n")
    assert ended.session
    assert (ended.count, ended.error) == (0, "ERR no\\x07 ***")


@pytest.mark.parametrize(("answer", "error"), [(b"+OK\r\n", "answers CLIENT"), (b"", "closed the connection")])
def test_a_session_that_broke_is_closed(answer: bytes, error: str) -> None:
    """A session of its own is closed with the farewell of the protocol."""
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
    assert (ended.count, ended.error) == (0, "no whole answer in time (waiting for the server)")
    assert ended.session is None
    assert ended.unfinished, "Mooring waits for the end of what the server has not answered"
    assert (ended.unfinished.logged_in, ended.unfinished.connection_id, ended.unfinished.farewell) == (True, 7, b"bye")
    assert time.monotonic() - started >= TIMEOUTS * 0.05


def test_a_thread_that_is_held_up_past_its_time_ends_nothing() -> None:
    """The host may be the primary again by then. Nothing is owed, so the session is closed and nobody waits for it."""
    said: list[bytes] = []

    def reply(data: bytes) -> bytes:
        said.append(data)
        return b":2\r\n"

    with talking(reply) as sock:
        ended = end_sessions(_target(), Session(sock, b"bye", SECRET), USERS, until=time.monotonic())
        assert sock.fileno() == -1
        wait_until(lambda: said, 60, "its farewell")
    assert (ended.count, ended.session, ended.unfinished) == (0, None, None)
    assert "(sending)" in ended.error
    assert said == [b"bye"]


def test_a_protocol_without_sessions_has_none_to_end() -> None:
    """That is reported, and the session comes back."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        session = Session(ours, b"", SECRET)
        tcp = target_of("tcp", "127.0.0.1", 1)
        assert end_sessions(tcp, session, USERS) == EndedSessions(0, "tcp has no sessions to end", session)


def test_an_unknown_error_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that no table knows ends no thread: the result reports it."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("unheard of")

    monkeypatch.setattr("mooring.protocols.redis.kill._with_advice", broken)
    assert _ended(lambda _: b"-ERR\r\n").error == "ZeroDivisionError: unheard of"
