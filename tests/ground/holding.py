"""Logging in and asking over the held session as the engine would, but waiting for each step."""

from __future__ import annotations

import select
import socket
import ssl
import time

from mooring.model import Target
from mooring.protocols.dial import connected, connecting
from mooring.protocols.exchange import Answer, Entered, Session
from mooring.protocols.options import Options
from mooring.protocols.registry import PROTOCOLS

SECONDS = 10.0
"""What a step may take at most."""


def enter(target: Target) -> Entered:
    """Connects, knocks where that is right, and hands the socket over."""
    protocol = PROTOCOLS[target.protocol]
    assert protocol.login
    started = time.monotonic()
    sock = connecting(target.address, target.port)
    select.select([], [sock], [], SECONDS)
    connected(sock)
    assert isinstance(target.options, Options)
    if protocol.knock and not target.options.encrypted():
        sock.send(protocol.knock)
    return protocol.login(target, sock, started)


def held(target: Target) -> Session:
    """The session of a login that worked."""
    entered = enter(target)
    assert entered.session, entered
    assert entered.greeted
    return entered.session


def ask(session: Session, target: Target) -> Answer | None:
    """The answer; None: the server hung up instead."""
    protocol = PROTOCOLS[target.protocol]
    assert protocol.exchange
    asked = protocol.exchange(target.options, session.server)
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
