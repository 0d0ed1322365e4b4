"""Memcached knows no login: its one question is asked at once."""

from __future__ import annotations

import socket
from collections.abc import Hashable

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import CAP, LoginResult
from mooring.protocols.memcached.options import MemcachedOptions
from mooring.protocols.memcached.wire import Version
from mooring.protocols.protocol import Client
from mooring.protocols.transport.attempt import ProbeRun, attempt, enter
from mooring.protocols.transport.talk import ask


def probe(target: Target[MemcachedOptions]) -> Observation:
    """Asks once. Never raises; ends within the target's timeout."""
    return attempt(target, _asked)


def login(target: Target[MemcachedOptions], sock: socket.socket, started: float) -> LoginResult:
    """As ``probe``, over a connected socket on which ``first_bytes`` were sent, which is the question."""
    return enter(target, sock, started, _asked)


def exchange(_options: MemcachedOptions, _server: Hashable = None) -> Version:
    """The question."""
    return Version()


def _asked(running: ProbeRun[MemcachedOptions]) -> Observation:
    line, question = running.dial(), Version()
    if running.given is None:
        answer = ask(line, question)
    else:
        while (said := question.feed(line.recv(CAP))) is None:
            pass
        answer = said
    if answer.keep and not answer.rest and answer.observation.reason is Reason.OK:
        running.hold()
    return answer.observation


CLIENT = Client(probe, login, exchange)
