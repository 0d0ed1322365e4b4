"""AUTH, PING and one more question to Redis or Valkey, by redis-py."""

from __future__ import annotations

import socket
from collections.abc import Hashable
from typing import Any, cast

from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from mooring.model import Observation, Target
from mooring.protocols.attempt import Attempt, attempt, enter
from mooring.protocols.exchange import Entered, Exchange
from mooring.protocols.failure import Failure
from mooring.protocols.line import Line
from mooring.protocols.redis import wire
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.secret import Secret
from mooring.reasons import Reason

KNOCK = b"PING\r\n"
"""Redis speaks only when spoken to; whatever state it is in, it answers this with one line."""

_READ_SIZE = 4096
"""Bytes read at once: little enough that parsing them delays no deadline."""


def probe(target: Target) -> Observation:
    """Authenticates, pings, looks for the key where one is named. Never raises; ends within the target's timeout."""
    return attempt(target, _login)


def login(target: Target, sock: socket.socket, started: float) -> Entered:
    """As ``probe``, over a connected socket on which ``KNOCK`` was sent, unless the target asks for TLS."""
    return enter(target, sock, started, _login)


def exchange(options: Hashable, _server: Hashable = None) -> Exchange:
    """PING, and EXISTS where a key is named."""
    return wire.Ping(cast("RedisOptions", options).key)


def _login(running: Attempt) -> Observation:
    options = cast("RedisOptions", running.target.options)
    secret, tls = running.unlock(options.password_file), running.tls(options.tls)
    line = running.dial()
    if tls is not None:
        line.start_tls(tls)
    elif running.given is not None and (seen := wire.knocked(_one_line(line))) is not None:
        return seen
    return _asked(running, _Session(line, options.user, secret), options.key)


def _one_line(line: Line) -> bytes:
    """The answer to the knock. Nothing else was asked, so nothing may follow."""
    said = b""
    while b"\r\n" not in said:
        said += line.recv(_READ_SIZE)
    reply, _, rest = said.partition(b"\r\n")
    if rest:
        raise Failure(Reason.PROTOCOL, "says more than it was asked")
    return reply


def _asked(running: Attempt, session: _Session, key: str | None) -> Observation:
    try:
        session.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it so
        seen = _ask(session, key)
    except RedisError as error:
        return wire.refusal(_words(error))
    else:
        if not session.unread():
            running.hold()
        return seen
    finally:
        session.disconnect()  # type: ignore[no-untyped-call]  # redis-py leaves it so


def _ask(session: _Session, key: str | None) -> Observation:
    pong = wire.alive(session.ask("PING"))
    if pong.reason is not Reason.OK or key is None:
        return pong
    return wire.exists(session.ask("EXISTS", key))


def _words(error: RedisError) -> str:
    # redis-py takes the kind off the text of an error that it knows.
    kind = getattr(error, "status_code", None)
    if kind is None and isinstance(error, AuthenticationError):
        return "answers AUTH with something else than OK"
    return f"{kind} {error}" if kind else str(error)


class _Session(Connection):
    """One connection over a line of ours: RESP2, no retries, no words about the client library."""

    def __init__(self, line: Line, user: str | None, secret: Secret) -> None:
        self._line = line
        super().__init__(  # type: ignore[no-untyped-call]  # redis-py leaves it so
            username=user,
            password=cast("Any", secret.value or None),
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
            socket_read_size=_READ_SIZE,
        )

    def _connect(self) -> Line:
        return self._line

    def unread(self) -> bool:
        """The server has said more than it was asked."""
        return bool(self._line.unread or cast("Any", self._parser)._buffer.unread_bytes())  # noqa: SLF001 -- can_read() would wait

    def ask(self, *command: str) -> object:
        self.send_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it so
        return self.read_response()
