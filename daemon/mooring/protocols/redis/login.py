"""The login to Redis, Valkey or a Sentinel, by redis-py, and the question behind it."""

from __future__ import annotations

import socket
from collections.abc import Hashable
from typing import Any, cast

from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import Answer, LoginResult
from mooring.protocols.protocol import Client
from mooring.protocols.redis import wire
from mooring.protocols.redis.kill import kill
from mooring.protocols.redis.options import Asking
from mooring.protocols.transport.attempt import ProbeRun, attempt, enter
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.secret import Secret
from mooring.protocols.transport.talk import READ_SIZE, ask


def probe(target: Target[Asking]) -> Observation:
    """Authenticates and asks. Never raises; ends within the target's timeout."""
    return attempt(target, _login)


def login(target: Target[Asking], sock: socket.socket, started: float) -> LoginResult:
    """As ``probe``, over a connected socket; without TLS, PING is sent on it already, or RESET before a password."""
    return enter(target, sock, started, _login)


def exchange(options: Asking, server: Hashable = None) -> wire.ReplyParser:
    """The question of these options to a host, or to a Sentinel."""
    return wire.ReplyParser(options.asks(server))


def _login(running: ProbeRun[Asking]) -> Observation:
    options = running.target.options
    secret, tls = running.unlock(options.password_file), running.tls(options.tls)
    line = running.dial()
    if tls is not None:
        line.start_tls(tls)
    elif running.given is not None:
        seen = wire.first_reply(_read_line(line), authenticates=options.authenticates())
        if seen is not None:
            return seen
    session = _Session(line, options.user, secret)
    try:
        session.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it so
        running.logged_in = bool(secret.value)
        if session.unread():
            raise _unasked_bytes()
        return _ask(running, line)
    except RedisError as error:
        return wire.refusal(_message_of(error))
    finally:
        session.disconnect()  # type: ignore[no-untyped-call]  # redis-py leaves it so


def _read_line(line: BoundedSocket) -> bytes:
    """The answer to the knock. Nothing may follow it, as nothing else was sent."""
    said = b""
    while b"\r\n" not in said:
        said += line.recv(READ_SIZE)
    reply, _, rest = said.partition(b"\r\n")
    if rest:
        raise _unasked_bytes()
    return reply


def _ask(running: ProbeRun[Asking], line: BoundedSocket) -> Observation:
    """Sends the same question as over a held session, so that both ways give the same outcome."""
    options, server = running.target.options, None
    if (learning := options.learning()) is not None:
        learn = wire.ReplyParser(learning)
        learned = ask(line, learn)
        if learned.rest or not learned.keep:
            return learned.observation if learned.observation.reason is not Reason.OK else _UNASKED
        server = learn.learned
    answer, running.server = _question(running, line, server)
    if not _sound(answer, line):
        return answer.observation
    if (later := options.learning_later()) is not None:
        return _ask_later(running, line, later, answer.observation)
    running.hold()
    return answer.observation


def _question(running: ProbeRun[Asking], line: BoundedSocket, server: Hashable) -> tuple[Answer, Hashable]:
    """The answer, and what the questions after it depend on."""
    question = exchange(running.target.options, server)
    return ask(line, question), question.learned or server


def _sound(answer: Answer, line: BoundedSocket) -> bool:
    return answer.observation.reason is Reason.OK and answer.keep and not (answer.rest or line.unread)


def _ask_later(running: ProbeRun[Asking], line: BoundedSocket, later: wire.Question, seen: Observation) -> Observation:
    """Learns from a server that has answered, and asks it again where the answer depends on that.

    What it has answered stands where it hangs up or answers nonsense, as proxies may do at a command that they do not
    know; Mooring holds no session then.
    """
    learn = wire.ReplyParser(later)
    try:
        if not _sound(ask(line, learn), line):
            return seen
    except Failure as failure:
        if failure.reason not in (Reason.RESET, Reason.PROTOCOL):
            raise
        return seen
    running.server = learn.learned
    if running.server is not None:
        answer, running.server = _question(running, line, running.server)
        if not _sound(answer, line):
            return answer.observation
        seen = answer.observation
    running.hold()
    return seen


_UNASKED = Observation(Reason.PROTOCOL, "sends more than the answer")


def _unasked_bytes() -> Failure:
    return Failure(_UNASKED.reason, _UNASKED.message)


def _message_of(error: RedisError) -> str:
    # redis-py takes the kind off the text of an error that it knows.
    kind = getattr(error, "status_code", None)
    if kind is None and isinstance(error, AuthenticationError):
        return "answers AUTH without an OK"
    return f"{kind} {error}" if kind else str(error)


class _Session(Connection):
    """One connection over Mooring's line: RESP2, no retries, no CLIENT SETINFO."""

    def __init__(self, line: BoundedSocket, user: str | None, secret: Secret) -> None:
        self._line = line
        super().__init__(  # type: ignore[no-untyped-call]  # redis-py leaves it so
            username=user,
            password=cast("Any", secret.value or None),
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
            socket_read_size=READ_SIZE,
        )

    def _connect(self) -> BoundedSocket:
        return self._line

    def unread(self) -> bool:
        """Whether the server has sent more than the answers."""
        return bool(self._line.unread or cast("Any", self._parser)._buffer.unread_bytes())  # noqa: SLF001 -- can_read() would wait


CLIENT: Client[Asking] = Client(probe, login, exchange, kill)
