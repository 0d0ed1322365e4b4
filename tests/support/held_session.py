"""Logging in and asking over the held session as the engine would, but waiting for each step."""

from __future__ import annotations

import select
import socket
import ssl
import time

from mooring.model.targets import Target
from mooring.protocols.exchange import Answer, LoginResult, Session
from mooring.protocols.registry import PROTOCOLS
from mooring.protocols.transport.dial import check_connected, connecting

SECONDS = 10.0
"""What a step may take at most."""


def enter(target: Target) -> LoginResult:
    """Connects, knocks where that is right, and hands the socket over."""
    protocol = PROTOCOLS[target.protocol]
    assert protocol.client.login
    started = time.monotonic()
    sock = connecting(target.address, target.port)
    select.select([], [sock], [], SECONDS)
    check_connected(sock)
    if opening := protocol.opening(target.options):
        sock.send(opening)
    return protocol.client.login(target, sock, started)


def held(target: Target) -> Session:
    """The session of a login that worked."""
    login_result = enter(target)
    assert login_result.session, login_result
    assert login_result.greeted
    return login_result.session


def ask(session: Session, target: Target) -> Answer | None:
    """The answer; None: the server hung up instead."""
    protocol = PROTOCOLS[target.protocol]
    assert protocol.client.exchange
    asked = protocol.client.exchange(target.options, session.server)
    session.sock.sendall(asked.request)
    while data := received(session.sock):
        if (answer := asked.feed(data)) is not None:
            return answer
    return None


def received(sock: socket.socket) -> bytes:
    """What is there; waits until something is. Empty: the peer hung up."""
    while True:
        try:
            return sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            assert select.select([sock], [], [], SECONDS)[0], "nothing came"
        except ConnectionResetError:
            return b""


def leave(session: Session) -> None:
    session.sock.send(session.farewell)
    session.sock.close()
