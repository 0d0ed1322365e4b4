"""A TCP connection, opened and closed at once."""

from __future__ import annotations

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.protocol import Client
from mooring.protocols.tcp.options import TcpOptions
from mooring.protocols.transport.attempt import ProbeRun, attempt

GREETING_SECONDS = 0.1
"""How long `mooring check` waits for the greeting of a server that speaks first."""
SPEAKS_MYSQL = "speaks MySQL, which logs each such connect as broken and may block who makes many; use `mysql`"
_GREETING_BYTES = 5


def probe(target: Target[TcpOptions]) -> Observation:
    """Whether something listens. Never raises; ends within the target's timeout."""
    return attempt(target, _connect)


def _connect(running: ProbeRun[TcpOptions]) -> Observation:
    greeting = running.dial().peek(_GREETING_BYTES, GREETING_SECONDS)
    return Observation(Reason.OK, caution(greeting))


def caution(greeting: bytes) -> str:
    """Why a server that greets so may refuse this check one day; empty: nothing is known."""
    return SPEAKS_MYSQL if _is_mysql_greeting(greeting[:_GREETING_BYTES]) else ""


def _is_mysql_greeting(greeting: bytes) -> bool:
    """Whether these begin a first packet (number 0) of protocol version 10.

    MySQL Internals Manual, "Protocol::HandshakeV10".
    """
    return len(greeting) == _GREETING_BYTES and greeting[3:] == b"\0\x0a"


CLIENT = Client(probe, caution=caution)
