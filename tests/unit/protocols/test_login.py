"""Logins over a socket of the engine's."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import Any

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.exchange import LoginResult
from mooring.protocols.registry import PROTOCOLS
from support import packets
from support.probe_once import SECONDS, target_of
from support.rogue_servers import SCRIPTS, Peer, Play, Rogue, mysql, rogue, says_first

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
"""Scripts that send nothing that a protocol understands."""


def _enter(
    server: Rogue, protocol: str, sock: socket.socket, *, seconds: float = 0.0, timeout: float = SECONDS, **block: Any
) -> LoginResult:
    login = PROTOCOLS[protocol].client.login
    assert login
    target = target_of(protocol, server.address, server.port, timeout=timeout, **block)
    result = login(target, sock, time.monotonic() - seconds)
    assert (result.unfinished is not None) is (result.observation.reason is Reason.TIMEOUT)
    if result.unfinished is not None:  # stays open, for its owner to wait for the server
        assert result.unfinished.sock.fileno() >= 0
        assert not result.unfinished.sock.getblocking()
        result.unfinished.sock.close()
    return result


def _connected(server: Rogue, protocol: str, *, tls: bool = False, greets: bool = False) -> socket.socket:
    """As the engine hands it over: knocked on, where that is right, and perhaps reset by now.

    ``greets``: its first word has come.
    """
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex((server.address, server.port))
    select.select([], [sock], [], SECONDS)
    with contextlib.suppress(ConnectionError):
        sock.send(b"" if tls else PROTOCOLS[protocol].first_bytes)
    if greets:
        assert select.select([sock], [], [], SECONDS)[0], "no greeting"
    sock.setblocking(True)
    return sock


def _timeout(reason: Reason) -> float:
    """What ends by itself has time on a busy machine."""
    return 1.5 if reason is Reason.TIMEOUT else SECONDS


@pytest.mark.parametrize(("name", "protocol", "reason"), CASES)
def test_no_rogue_is_held(name: str, protocol: str, reason: Reason, password: bytes, password_file: str) -> None:
    """The outcome is that of a probe, at the same deadline, and the socket is closed, unless it is waited for."""
    script = SCRIPTS[name]
    block: dict[str, Any] = {"passwordFile": password_file, "user": "prober", **({"tls": {}} if script.tls else {})}
    with rogue(script) as server:
        greets = reason is Reason.TIMEOUT and name not in UNHEARD[protocol]
        sock = _connected(server, protocol, tls=script.tls, greets=greets)
        login_result = _enter(server, protocol, sock, timeout=_timeout(reason), **block)
    assert (login_result.observation.reason, login_result.session, sock.fileno()) == (reason, None, -1), login_result
    assert login_result.greeted is (name not in UNHEARD[protocol])
    assert password.decode() not in login_result.observation.message
    assert login_result.secret.value == password


def test_a_sound_mysql_is_held_without_a_goodbye(password_file: str) -> None:
    """Login and question are as of a probe; COM_QUIT is sent when the session ends."""
    with rogue(mysql()) as server:
        login_result = _enter(server, "mysql", _connected(server, "mysql"), user="probe", passwordFile=password_file)
        assert login_result.session
        with login_result.session.sock as sock:
            assert (login_result.observation.reason, login_result.greeted, sock.getblocking()) == (
                Reason.OK,
                True,
                False,
            )
            assert login_result.session.farewell == packets.packet(b"\x01", 0)
            assert not server.received.endswith(login_result.session.farewell)


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
    with rogue(_redis(b"-NOAUTH Authentication required.\r\n", b"+OK\r\n", b"+PONG\r\n", b"-ERR no\r\n")) as server:
        login_result = _enter(server, "redis", _connected(server, "redis"), passwordFile=password_file)
        assert login_result.session
        assert (login_result.observation.reason, login_result.session.farewell) == (Reason.OK, b"")
        assert login_result.session.secret.value == password
        login_result.session.sock.close()
    assert server.received.startswith(b"PING\r\n*2\r\n$4\r\nAUTH\r\n")


@pytest.mark.parametrize(
    ("replies", "reason", "message"),
    [
        ([b"-ERR max number of clients reached\r\n"], Reason.SATURATED, "ERR max number of clients reached"),
        ([b"-DENIED protected mode\r\n"], Reason.AUTH, "DENIED protected mode"),
        ([b"-BUSY script\r\n"], Reason.OFFLINE, "BUSY script"),
        ([b"+PONG\r\n+PONG\r\n"], Reason.PROTOCOL, "sends more than the answer"),
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
        login_result = _enter(server, "redis", _connected(server, "redis", greets=True), timeout=_timeout(reason))
    assert (login_result.observation.reason, login_result.observation.message, login_result.session) == (
        reason,
        message,
        None,
    )
    assert login_result.greeted


@pytest.mark.parametrize(("protocol", "said"), [("mysql", packets.result("1")), ("redis", b"+PONG\r\n")])
def test_a_server_that_says_more_than_it_was_asked_is_not_held(protocol: str, said: bytes) -> None:
    """It would answer each question with the answer to the one before."""
    play = mysql(answer=said + packets.ok(1)) if protocol == "mysql" else _redis(said, said + said)
    with rogue(play) as server:
        sock = _connected(server, protocol)
        login_result = _enter(server, protocol, sock)
    assert (login_result.observation.reason, login_result.session, sock.fileno()) == (Reason.OK, None, -1)


@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_the_time_that_connecting_took_counts(protocol: str) -> None:
    """A login that begins after the deadline ends at once."""
    with rogue(SCRIPTS["silent"]) as server:
        started = time.monotonic()
        login_result = _enter(server, protocol, _connected(server, protocol), seconds=60)
    assert (login_result.observation.reason, login_result.session) == (Reason.TIMEOUT, None)
    assert login_result.observation.latency is not None
    assert login_result.observation.latency >= 60
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("block", [{"passwordFile": "/absent"}, {"tls": {"caFile": "/absent"}}], ids=["secret", "ca"])
def test_without_its_files_a_login_to_mysql_ends_politely(block: dict[str, Any]) -> None:
    """The connection stands: Mooring ends the login as nobody, so that the server counts no broken connection."""
    denied = mysql(login=packets.error(1045, "Access denied for user 'mooring-nobody'", 2))
    with rogue(denied) as server:
        login_result = _enter(server, "mysql", _connected(server, "mysql"), user="prober", **block)
    assert (login_result.observation.reason, login_result.session) == (Reason.LOCAL, None)
    assert b"mooring-nobody\0" in server.received
    assert b"prober" not in server.received


def test_a_server_without_autocommit_gets_it_set() -> None:
    """Only for a session that is held: a transaction left open would answer from its first snapshot for ever."""

    def play(peer: Peer) -> None:
        peer.send(packets.greeting().replace(b"\x2d\x02\x00", b"\x2d\x00\x00"))  # its status
        peer.receive_packet()
        peer.send(packets.ok(2))
        assert peer.receive_packet().startswith(b"\x03SET autocommit=1 ")
        peer.send(packets.ok(1))
        peer.receive_packet()
        peer.send(packets.result("1"))
        peer.hold()

    with rogue(play) as server:
        login_result = _enter(server, "mysql", _connected(server, "mysql"), user="probe")
        assert login_result.session
        login_result.session.sock.close()


@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_a_socket_that_is_dead_already_raises_nothing(protocol: str) -> None:
    """Between the engine's look and the login, the peer may have gone."""
    with rogue(says_first(b"")) as server:
        sock = _connected(server, protocol)
        sock.close()
        login_result = _enter(server, protocol, sock)
    assert (login_result.session, login_result.greeted) == (None, False)
