"""Asking a Sentinel."""

from __future__ import annotations

import pytest

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import Answer
from mooring.protocols.redis.login import exchange
from mooring.protocols.redis.options import SentinelOptions

OPTIONS = SentinelOptions(name="mymaster")
PONG = b"+PONG\r\n"


def _place(host: bytes, port: bytes) -> bytes:
    return b"*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(host), host, len(port), port)


def _fed(*pieces: bytes) -> Answer | None:
    asked, answer = exchange(OPTIONS, None), None
    for piece in pieces:
        answer = asked.feed(piece)
    return answer


def test_it_is_asked_for_the_primary_of_that_name() -> None:
    """In one go, and of no more than a Sentinel with the narrowest ACL allows."""
    request = exchange(OPTIONS, None).request
    words = b"$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$8\r\nmymaster\r\n"
    assert request == b"*1\r\n$4\r\nPING\r\n*3\r\n" + words


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (PONG + _place(b"10.20.0.12", b"6379"), Observation(Reason.OK, answer="10.20.0.12:6379")),
        (PONG + _place(b"FD00:0::12", b"6379"), Observation(Reason.OK, answer="[fd00::12]:6379")),
        (PONG + _place(b"db1.example.com", b"65535"), Observation(Reason.OK, answer="db1.example.com:65535")),
        (PONG + b"*-1\r\n", Observation(Reason.OK, "knows no primary mymaster")),
        (PONG + b"-NOPERM no permissions\r\n", Observation(Reason.AUTH, "NOPERM no permissions")),
        (
            PONG + b"-ERR unknown command\r\n",
            Observation(Reason.PROTOCOL, "ERR unknown command", cause="redis:ERR unknown command"),
        ),
        (b"-NOAUTH required\r\n-NOAUTH required\r\n", Observation(Reason.AUTH, "NOAUTH required")),
    ],
    ids=["ipv4", "ipv6", "name", "unknown", "no-permission", "no-sentinel", "no-login"],
)
def test_what_it_says(said: bytes, seen: Observation) -> None:
    """Its word, or why it gave none; the session goes on. However it is cut."""
    assert _fed(said) == Answer(seen)
    assert _fed(*(bytes([byte]) for byte in said)) == Answer(seen)
    assert _fed(said[:12], said[12:] + PONG) == Answer(seen, PONG)


@pytest.mark.parametrize(
    "said",
    [
        _place(b"", b"6379"),
        _place(b"10.20.0.12 ", b"6379"),
        _place(b"x" * 254, b"6379"),
        _place(b"db\xff", b"6379"),
        _place(b"10.20.0.12", b"0"),
        _place(b"10.20.0.12", b"65536"),
        _place(b"10.20.0.12", b"06379"),
        b"*3\r\n" + b"$1\r\na\r\n" * 3,
        b"*1\r\n$1\r\na\r\n",
        b"*2\r\n$-1\r\n$4\r\n6379\r\n",
        b"$10\r\n10.20.0.12\r\n",
    ],
    ids=repr,
)
def test_what_is_no_place_is_no_word(said: bytes) -> None:
    """A vote is an address with a port, or nothing; after anything else the session is not used again."""
    answer = _fed(PONG + said)
    assert answer is not None
    assert (answer.observation.reason, answer.observation.answer, answer.keep) == (Reason.PROTOCOL, None, False)
    assert answer.observation.message.startswith("answers SENTINEL with ")
