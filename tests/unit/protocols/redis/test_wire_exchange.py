"""Asking Redis over a held session."""

from __future__ import annotations

import pytest

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.redis import questions, wire
from mooring.protocols.redis.login import exchange
from mooring.protocols.redis.options import RedisOptions

PONG, LOADING = b"+PONG\r\n", b"-LOADING Redis is loading the dataset in memory\r\n"


def _ping(*pieces: bytes, key: str | None = None) -> Answer | None:
    asked, answer = wire.ReplyParser(questions.Ping(key)), None
    for piece in pieces:
        answer = asked.feed(piece)
    return answer


def test_requests_are_sent_in_one_go() -> None:
    """PING alone, or with EXISTS behind it; the key may have any characters."""
    assert exchange(RedisOptions()).request == b"*1\r\n$4\r\nPING\r\n"
    asked = exchange(RedisOptions(key="ü x"))
    assert asked.request == "*1\r\n$4\r\nPING\r\n*2\r\n$6\r\nEXISTS\r\n$4\r\nü x\r\n".encode()


@pytest.mark.parametrize(
    ("key", "said", "observation"),
    [
        (None, PONG, Observation(Reason.OK)),
        ("x", PONG + b":0\r\n", Observation(Reason.OK, answer="0")),
        ("x", PONG + b":1\r\n", Observation(Reason.OK, answer="1")),
        (None, LOADING, Observation(Reason.LOADING, LOADING[1:-2].decode())),
        ("x", LOADING + LOADING, Observation(Reason.LOADING, LOADING[1:-2].decode())),
        ("x", PONG + b"-NOPERM no\r\n", Observation(Reason.AUTH, "NOPERM no")),
        ("x", b"-NOPERM no\r\n:0\r\n", Observation(Reason.AUTH, "NOPERM no")),
        (None, b"-WHATEVER \xff\r\n", Observation(Reason.PROTOCOL, "WHATEVER \ufffd", cause="redis:WHATEVER")),
        (None, b"-one\nline\r\n", Observation(Reason.PROTOCOL, "one\nline")),
    ],
    ids=["pong", "absent", "present", "loading", "loading-both", "no-exists", "no-ping", "unknown", "line-feed"],
)
def test_replies(key: str | None, said: bytes, observation: Observation) -> None:
    """PING decides first; an error is an outcome, and the session goes on. However it is cut."""
    assert _ping(said, key=key) == Answer(observation)
    assert _ping(*(bytes([byte]) for byte in said), key=key) == Answer(observation)
    assert _ping(said[:3], said[3:] + b"+PONG\r\n", key=key) == Answer(observation, b"+PONG\r\n")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, b"+PANG\r\n"),
        (None, b"PONG\r\n"),
        (None, b"\r\n"),
        (None, b"$4\r\nPONG\r\n"),
        (None, b"*1\r\n+PONG\r\n"),
        (None, b":1\r\n"),
        (None, b"HTTP/1.1 400 Bad Request\r\n"),
        (None, b"x" * CAP),
        ("x", PONG + PONG),
        ("x", PONG + b":2\r\n"),
        ("x", PONG + b":00\r\n"),
        ("x", b":0\r\n" + PONG),
        ("x", PONG + b"x" * CAP),
    ],
    ids=lambda value: str(value)[:24],
)
def test_anything_else_is_not_alive(key: str | None, said: bytes) -> None:
    """It counts against the host, and nothing more is asked over that session."""
    answer = _ping(said[:9], said[9:], key=key) if len(said) > 9 else _ping(said, key=key)
    assert answer is not None
    assert (answer.observation.reason, answer.keep, answer.rest) == (Reason.PROTOCOL, False, b"")


def test_a_broken_reply_behind_an_error_ends_the_session() -> None:
    """A server that sends such a reply is trusted neither for its replies before nor for another question."""
    answer = _ping(LOADING + b"$-1\r\n", key="x")
    assert answer is not None
    assert (answer.observation.reason, answer.keep) == (Reason.PROTOCOL, False)


@pytest.mark.parametrize("said", [b"-ERR max number of clients reached\r\n", b"-DENIED Redis is running in\r\n"])
def test_who_is_turned_away_at_the_door_waits_for_no_more(said: bytes) -> None:
    """The server sends it once, for any number of commands, and then hangs up."""
    reason = wire.refusal(said[1:].decode()).reason
    assert _ping(said, key="x") == Answer(Observation(reason, said[1:-2].decode()), keep=False)


@pytest.mark.parametrize("said", [b"", b"+PONG\r", b"-LOADING Redis is"])
def test_half_a_reply_is_none(said: bytes) -> None:
    """There is no answer before the first reply is whole, nor before the second one is there."""
    assert _ping(said) is None
    assert _ping(PONG, said, key="x") is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"+PONG", None),
        (b"-NOAUTH Authentication required.", None),
        (b"-NOPERM this user has no permissions to run the 'ping' command", None),
        (b"-DENIED Redis is running in protected mode", Reason.AUTH),
        (b"-ERR max number of clients reached", Reason.SATURATED),
        (b"-LOADING Redis is loading the dataset in memory", None),
        (b"-MASTERDOWN Link with MASTER is down", None),
        (b"-MISCONF Redis is configured to save RDB snapshots", None),
        (b"-BUSY Redis is busy running a script", Reason.OFFLINE),
        (b"+PANG", Reason.PROTOCOL),
        (b"HTTP/1.1 400 Bad Request", Reason.PROTOCOL),
    ],
    ids=lambda value: value[:12].decode() if isinstance(value, bytes) else str(value),
)
def test_a_login_goes_on_where_it_can_learn_more(reply: bytes, reason: Reason | None) -> None:
    """The account of the file may have more rights than a connection without login; other errors are the outcome."""
    seen = wire.first_reply(reply, authenticates=False)
    assert (seen and seen.reason) is reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"+RESET", None),
        (b"-ERR unknown command `RESET`, with args beginning with: ", None),
        (b"-NOAUTH Authentication required.", None),
        (b"-LOADING Redis is loading the dataset in memory", None),
        (b"-MASTERDOWN Link with MASTER is down", None),
        (b"-BUSY Redis is busy running a script", None),
        (b"-DENIED Redis is running in protected mode", Reason.AUTH),
        (b"-ERR max number of clients reached", Reason.SATURATED),
        (b"HTTP/1.1 400 Bad Request", Reason.PROTOCOL),
    ],
    ids=lambda value: value[:12].decode() if isinstance(value, bytes) else str(value),
)
def test_before_a_password_only_a_server_that_hangs_up_ends_the_login(reply: bytes, reason: Reason | None) -> None:
    """Servers older than RESET refuse it; AUTH and PING tell what is wrong."""
    seen = wire.first_reply(reply, authenticates=True)
    assert (seen and seen.reason) is reason
