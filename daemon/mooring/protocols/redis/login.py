"""AUTH, PING and one more question to Redis or Valkey, by redis-py."""

from __future__ import annotations

from typing import Any, cast

from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from mooring.model import Observation, Target
from mooring.protocols.attempt import Attempt, attempt
from mooring.protocols.line import Line
from mooring.protocols.redis import wire
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.secret import Secret
from mooring.reasons import Reason

_READ_SIZE = 4096
"""Bytes read at once: little enough that parsing them delays no deadline."""


def probe(target: Target) -> Observation:
    """Authenticates, pings, looks for the key where one is named. Never raises; ends within the target's timeout."""
    return attempt(target, _login)


def _login(running: Attempt) -> Observation:
    options = cast("RedisOptions", running.target.options)
    secret, tls = running.unlock(options.password_file), running.tls(options.tls)
    line = running.dial()
    if tls is not None:
        line.start_tls(tls)
    session = _Session(line, options.user, secret)
    try:
        session.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it so
        return _ask(session, options.key)
    except RedisError as error:
        return wire.refusal(_words(error))
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

    def ask(self, *command: str) -> object:
        self.send_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it so
        return self.read_response()
