"""The login to Redis, Valkey or a Sentinel, by redis-py, and the question behind it."""

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
from mooring.protocols.options import Login
from mooring.protocols.redis import questions, sentinel, wire
from mooring.protocols.redis.options import RedisOptions, SentinelOptions
from mooring.protocols.secret import Secret
from mooring.reasons import Reason

KNOCK = b"PING\r\n"
"""Redis speaks only when spoken to; whatever state it is in, it answers this with one line."""

_READ_SIZE = 4096
"""Bytes read at once: little enough that parsing them delays no deadline."""


def probe(target: Target) -> Observation:
    """Authenticates and asks. Never raises; ends within the target's timeout."""
    return attempt(target, _login)


def login(target: Target, sock: socket.socket, started: float) -> Entered:
    """As ``probe``, over a connected socket on which ``KNOCK`` was sent, unless the target asks for TLS."""
    return enter(target, sock, started, _login)


def exchange(options: Hashable, server: Hashable = None) -> Exchange:
    """What these options ask of a host, or of a Sentinel."""
    return _talk(options, server)


def _talk(options: Hashable, server: Hashable = None) -> wire.Talk:
    if isinstance(options, SentinelOptions):
        return wire.Talk(sentinel.question(options.name))
    asked = cast("RedisOptions", options)
    return wire.Talk(questions.question(asked.key, asked.user, roles=asked.asks_facts(), server=server))


def _login(running: Attempt) -> Observation:
    options = cast("Login", running.target.options)
    secret, tls = running.unlock(options.password_file), running.tls(options.tls)
    line = running.dial()
    if tls is not None:
        line.start_tls(tls)
    elif running.given is not None and (seen := wire.knocked(_one_line(line))) is not None:
        return seen
    session = _Session(line, options.user, secret)
    try:
        session.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it so
        if session.unread():
            raise _too_much()
        return _asked(running, line)
    except RedisError as error:
        return wire.refusal(_words(error))
    finally:
        session.disconnect()  # type: ignore[no-untyped-call]  # redis-py leaves it so


def _one_line(line: Line) -> bytes:
    """The answer to the knock. Nothing else was asked, so nothing may follow."""
    said = b""
    while b"\r\n" not in said:
        said += line.recv(_READ_SIZE)
    reply, _, rest = said.partition(b"\r\n")
    if rest:
        raise _too_much()
    return reply


def _asked(running: Attempt, line: Line) -> Observation:
    """The same words as over a held session, so that a host is never judged in two ways."""
    talk = _talk(running.target.options)
    line.sendall(talk.request)
    answer = None
    while answer is None:
        answer = talk.feed(line.recv(_READ_SIZE))
    if answer.observation.reason is Reason.OK and answer.keep and not (answer.rest or line.unread):
        running.server = talk.learned
        running.hold()
    return answer.observation


def _too_much() -> Failure:
    return Failure(Reason.PROTOCOL, "says more than it was asked")


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
