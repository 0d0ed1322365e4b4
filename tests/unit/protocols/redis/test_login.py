"""The Redis probe."""

from __future__ import annotations

import re
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.asking import ask
from ground.rogue import Peer, Play, redis, rogue
from mooring.reasons import Reason


def _bulks(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _answers(**replies: bytes) -> Play:
    """A server that knows these commands."""

    def play(peer: Peer) -> None:
        while True:
            asked = re.findall("|".join(replies), peer.receive().decode())
            peer.send(b"".join(replies[command] for command in asked))

    return play


def test_without_a_password_only_ping_is_said() -> None:
    """No HELLO, no CLIENT SETINFO: nothing that an old server or a narrow ACL would refuse."""
    with rogue(redis(b"+PONG\r\n")) as server:
        assert ask("redis", server.address, server.port).reason is Reason.OK
    assert server.received == _bulks(b"PING")


def test_user_and_password_come_first(password: bytes, password_file: str) -> None:
    """AUTH with the ACL user, then PING."""
    with rogue(redis(b"+PONG\r\n")) as server:
        seen = ask("redis", server.address, server.port, user="probe", passwordFile=password_file)
    assert seen.reason is Reason.OK
    assert server.received == _bulks(b"AUTH", b"probe", password) + _bulks(b"PING")


def test_a_password_alone_is_that_of_the_default_user(password: bytes, password_file: str) -> None:
    """The form that servers older than ACLs know, too."""
    with rogue(redis(b"+PONG\r\n")) as server:
        assert ask("redis", server.address, server.port, passwordFile=password_file).reason is Reason.OK
    assert server.received == _bulks(b"AUTH", password) + _bulks(b"PING")


@pytest.mark.parametrize("state", ["0", "1"])
def test_the_key_is_asked_with_ping(state: str) -> None:
    """The answer says whether the maintenance switch is there; it costs no round trip of its own."""
    with rogue(_answers(PING=b"+PONG\r\n", EXISTS=f":{state}\r\n".encode())) as server:
        seen = ask("redis", server.address, server.port, key="maintenance of db1")
    assert (seen.reason, seen.answer) == (Reason.OK, state)
    assert server.received == _bulks(b"PING") + _bulks(b"EXISTS", b"maintenance of db1")


def test_a_wrong_pong_is_final() -> None:
    """What follows it is no answer."""
    with rogue(_answers(PING=b"+PANG\r\n", EXISTS=b":0\r\n")) as server:
        seen = ask("redis", server.address, server.port, key="switch")
    assert (seen.reason, seen.answer) == (Reason.PROTOCOL, None)


@pytest.mark.parametrize("cut", [None, 16], ids=["whole", "cut-short"])
def test_an_echoed_password_is_not_shown(cut: int | None, password: bytes, password_file: str) -> None:
    """A server that does not know AUTH repeats its arguments; the message keeps the rest of the sentence."""
    reply = b"-ERR unknown command 'AUTH', with args beginning with: '" + password[:cut] + b"'\r\n"
    with rogue(_answers(AUTH=reply)) as server:
        seen = ask("redis", server.address, server.port, passwordFile=password_file)
    assert seen.reason is Reason.PROTOCOL
    assert seen.message == "ERR unknown command 'AUTH', with args beginning with: '***'"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"-WRONGPASS invalid username-password pair or user is disabled.", Reason.AUTH),
        (b"-ERR invalid password", Reason.AUTH),
        (b"-LOADING Redis is loading the dataset in memory", Reason.LOADING),
        (b"-MASTERDOWN Link with MASTER is down", Reason.NOT_REPLICATING),
        (b"-BUSY Redis is busy running a script", Reason.OFFLINE),
        (b"-MISCONF Redis is configured to save RDB snapshots", Reason.OK),
        (b"-NOPERM this user has no permissions", Reason.AUTH),
        (b"-ERR max number of clients reached", Reason.SATURATED),
        (b"-WHATEVER else", Reason.PROTOCOL),
    ],
    ids=lambda value: value[1:12].decode() if isinstance(value, bytes) else str(value),
)
def test_errors_keep_their_kind_through_the_library(reply: bytes, reason: Reason) -> None:
    """redis-py takes the first word off some errors; the message has it all the same."""
    with rogue(redis(reply + b"\r\n")) as server:
        seen = ask("redis", server.address, server.port)
    assert (seen.reason, seen.message) == (reason, reply[1:].decode())


def test_one_silent_server_costs_one_connection() -> None:
    """No retries: a library's ten attempts would outlive any deadline."""
    with rogue(Peer.hold) as server:
        assert ask("redis", server.address, server.port, timeout=0.2).reason is Reason.TIMEOUT
        assert server.connections == 1


def _says_and_hangs_up(data: bytes) -> Play:
    def play(peer: Peer) -> None:
        peer.send(data)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.hold()

    return play


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(b"+-:$*_\r\n01x"), max_size=60).map(bytes))
def test_no_bytes_make_a_probe_raise_or_pass(data: bytes) -> None:
    """Only a PONG is a PONG; everything else is some failure."""
    with rogue(_says_and_hangs_up(data)) as server:
        seen = ask("redis", server.address, server.port)
    assert seen.reason is not Reason.OK or data.startswith((b"+PONG\r\n", b"$4\r\nPONG"))
