"""Logins over a socket of the engine's."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import Any

import pytest

from ground import packets
from ground.asking import target_of
from ground.rogue import SCRIPTS, Peer, Play, Rogue, mysql, rogue, says_first
from mooring.protocols.exchange import Entered
from mooring.protocols.registry import PROTOCOLS
from mooring.reasons import Reason

CASES = [
    pytest.param(name, protocol, reason, id=f"{protocol}-against-{name}")
    for name, script in SCRIPTS.items()
    for protocol, reason in script.expected.items()
    if protocol != "tcp" and name != "never-accepts"
]

_NOTHING = {"silent", "hangs-up", "resets"}
UNHEARD = {
    "mysql": _NOTHING | {"drips-pong", "echo", "http"},  # these wait to be spoken to
    "redis": _NOTHING | {"redis-tls-silent", "redis-tls-drip"},
}
"""Scripts that say nothing that could be understood."""


def _enter(server: Rogue, protocol: str, sock: socket.socket, *, seconds: float = 0.0, **block: Any) -> Entered:
    login = PROTOCOLS[protocol].login
    assert login
    target = target_of(protocol, server.address, server.port, timeout=0.5, **block)
    return login(target, sock, time.monotonic() - seconds)


def _connected(server: Rogue, protocol: str, *, tls: bool = False) -> socket.socket:
    """As the engine hands it over: knocked on, where that is right, and perhaps reset by now."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex((server.address, server.port))
    select.select([], [sock], [], 10)
    with contextlib.suppress(ConnectionError):
        sock.send(b"" if tls else PROTOCOLS[protocol].knock)
    sock.setblocking(True)
    return sock


@pytest.mark.parametrize(("name", "protocol", "reason"), CASES)
def test_no_rogue_is_held(name: str, protocol: str, reason: Reason, password: bytes, password_file: str) -> None:
    """The outcome is that of a probe, at the same deadline, and the socket is closed."""
    script = SCRIPTS[name]
    block: dict[str, Any] = {"passwordFile": password_file, "user": "prober", **({"tls": {}} if script.tls else {})}
    with rogue(script) as server:
        sock = _connected(server, protocol, tls=script.tls)
        entered = _enter(server, protocol, sock, **block)
    assert (entered.observation.reason, entered.session, sock.fileno()) == (reason, None, -1), entered
    assert entered.greeted is (name not in UNHEARD[protocol])
    assert password.decode() not in entered.observation.message
    assert entered.secret.value == password


def test_a_sound_mysql_is_held_without_a_goodbye(password_file: str) -> None:
    """Login and question as a probe has them; COM_QUIT is left to whoever ends the session."""
    with rogue(mysql()) as server:
        entered = _enter(server, "mysql", _connected(server, "mysql"), user="probe", passwordFile=password_file)
        assert entered.session
        with entered.session.sock as sock:
            assert (entered.observation.reason, entered.greeted, sock.getblocking()) == (Reason.OK, True, False)
            assert entered.session.farewell == packets.packet(b"\x01", 0)
            assert not server.received.endswith(entered.session.farewell)


def _redis(*replies: bytes) -> Play:
    """Answers in order, one for each time that something arrives."""

    def play(peer: Peer) -> None:
        for reply in replies:
            peer.receive()
            peer.send(reply)
        peer.hold()

    return play


def test_a_sound_redis_is_held(password: bytes, password_file: str) -> None:
    """The knock's answer is read off first; a login that is still missing is no outcome."""
    with rogue(_redis(b"-NOAUTH Authentication required.\r\n", b"+OK\r\n", b"+PONG\r\n")) as server:
        entered = _enter(server, "redis", _connected(server, "redis"), passwordFile=password_file)
        assert entered.session
        assert (entered.observation.reason, entered.session.farewell) == (Reason.OK, b"")
        assert entered.session.secret.value == password
        entered.session.sock.close()
    assert server.received.startswith(b"PING\r\n*2\r\n$4\r\nAUTH\r\n")


@pytest.mark.parametrize(
    ("replies", "reason", "message"),
    [
        ([b"-ERR max number of clients reached\r\n"], Reason.SATURATED, "ERR max number of clients reached"),
        ([b"-DENIED protected mode\r\n"], Reason.AUTH, "DENIED protected mode"),
        ([b"-BUSY script\r\n"], Reason.OFFLINE, "BUSY script"),
        ([b"+PONG\r\n+PONG\r\n"], Reason.PROTOCOL, "says more than it was asked"),
        ([b"+PON"], Reason.TIMEOUT, "no whole answer in time (waiting for the server)"),
        ([b"+PONG\r\n", b"-NOAUTH Authentication required.\r\n"], Reason.AUTH, "NOAUTH Authentication required."),
        ([b"+PONG\r\n", b"+PANG\r\n"], Reason.PROTOCOL, "answers PING with b'+PANG'"),
        ([b"x" * 70_000], Reason.PROTOCOL, "sends more than 65536 bytes"),
    ],
    ids=["full", "protected", "busy", "twice", "half", "no-auth", "wrong", "endless"],
)
def test_what_a_redis_says_to_the_knock(replies: list[bytes], reason: Reason, message: str) -> None:
    """An error that no login would cure is the outcome, without a login."""
    with rogue(_redis(*replies)) as server:
        entered = _enter(server, "redis", _connected(server, "redis"))
    assert (entered.observation.reason, entered.observation.message, entered.session) == (reason, message, None)
    assert entered.greeted


@pytest.mark.parametrize(("protocol", "said"), [("mysql", packets.result("1")), ("redis", b"+PONG\r\n")])
def test_a_server_that_says_more_than_it_was_asked_is_not_held(protocol: str, said: bytes) -> None:
    """It would answer each question with the answer to the one before."""
    play = mysql(answer=said + packets.ok(1)) if protocol == "mysql" else _redis(said, said + said)
    with rogue(play) as server:
        sock = _connected(server, protocol)
        entered = _enter(server, protocol, sock)
    assert (entered.observation.reason, entered.session, sock.fileno()) == (Reason.OK, None, -1)


@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_the_time_that_connecting_took_counts(protocol: str) -> None:
    """A login that begins after the deadline ends at once."""
    with rogue(SCRIPTS["silent"]) as server:
        started = time.monotonic()
        entered = _enter(server, protocol, _connected(server, protocol), seconds=60)
    assert (entered.observation.reason, entered.session) == (Reason.TIMEOUT, None)
    assert entered.observation.latency is not None
    assert entered.observation.latency >= 60
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("block", [{"passwordFile": "/absent"}, {"tls": {"caFile": "/absent"}}], ids=["secret", "ca"])
def test_without_its_files_a_login_to_mysql_ends_politely(block: dict[str, Any]) -> None:
    """The connection stands already: a stranger's login, so that the server counts no broken connection."""
    denied = mysql(login=packets.error(1045, "Access denied for user 'mooring'", 2))
    with rogue(denied) as server:
        entered = _enter(server, "mysql", _connected(server, "mysql"), user="prober", **block)
    assert (entered.observation.reason, entered.session) == (Reason.LOCAL, None)
    assert b"mooring\0" in server.received
    assert b"prober" not in server.received


def test_a_server_without_autocommit_is_told_to() -> None:
    """Only for a session that is held: a transaction left open would answer from its first snapshot for ever."""

    def play(peer: Peer) -> None:
        peer.send(packets.greeting().replace(b"\x2d\x02\x00", b"\x2d\x00\x00"))  # its status
        peer.receive_packet()
        peer.send(packets.ok(2))
        assert peer.receive_packet() == b"\x03SET autocommit=1"
        peer.send(packets.ok(1))
        peer.receive_packet()
        peer.send(packets.result("1"))
        peer.hold()

    with rogue(play) as server:
        entered = _enter(server, "mysql", _connected(server, "mysql"), user="probe")
        assert entered.session
        entered.session.sock.close()


@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_a_socket_that_is_dead_already_raises_nothing(protocol: str) -> None:
    """Between the engine's look and the login, the peer may have gone."""
    with rogue(says_first(b"")) as server:
        sock = _connected(server, protocol)
        sock.close()
        entered = _enter(server, protocol, sock)
    assert (entered.session, entered.greeted) == (None, False)
