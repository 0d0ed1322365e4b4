"""A login to MySQL or MariaDB and one question, by PyMySQL."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from pymysql.connections import Connection
from pymysql.constants import CLIENT, COMMAND
from pymysql.err import MySQLError

from mooring.model import Observation, Target
from mooring.protocols.attempt import Attempt, attempt, enter
from mooring.protocols.exchange import CAP, Answer, Entered, Exchange
from mooring.protocols.failure import Failure
from mooring.protocols.line import Line
from mooring.protocols.mysql import wire
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.mysql.question import Server
from mooring.protocols.mysql.results import AskFacts, Learn
from mooring.protocols.secret import Secret
from mooring.protocols.tls import Tls
from mooring.reasons import Reason

if TYPE_CHECKING:
    _Connection = Connection[Any]
else:
    _Connection = Connection  # generic in the stubs only

ANONYMOUS = "mooring"
"""Whom to log in as, without a password, where the file names no user."""

_METHODS = frozenset({"mysql_native_password", "caching_sha2_password", "sha256_password", "client_ed25519"})
"""Login methods that never show the password to somebody who listens."""

_METHODS_IN_CLEAR = frozenset({"mysql_clear_password", "dialog"})
"""Login methods that send the password as it is: only under TLS, whose certificate is always verified."""


_QUIT = struct.pack("<iB", 1, COMMAND.COM_QUIT)
"""A whole packet. Without it, the server counts an aborted client."""


def probe(target: Target) -> Observation:
    """Logs in, asks, checks the answer, logs out. Never raises; ends within the target's timeout.

    After the greeting the login is always brought to its end, so that the server counts no broken connection: too many
    of those and it blocks our address (error 1129, ``max_connect_errors``).
    """
    return attempt(target, _login)


def login(target: Target, sock: socket.socket, started: float) -> Entered:
    """As ``probe``, over a connected socket, and without the logout where the session can be held."""
    return enter(target, sock, started, _login)


def exchange(options: Hashable, server: Hashable = None) -> Exchange:
    """The question for facts, which fits the server that the login met; or the query of the file; or COM_PING."""
    asked = cast("MysqlOptions", options)
    if asked.asks_facts() and isinstance(server, Server):
        return AskFacts(server, asked.heartbeat.table if asked.heartbeat else None)
    return wire.Ping() if asked.query is None else wire.Query(asked.query)


def _login(running: Attempt) -> Observation:
    options = cast("MysqlOptions", running.target.options)
    session = _session(running, options)
    line = running.dial()
    try:
        session.connect(cast("Any", line))
        line.farewell = _QUIT
        if running.given is not None and not session.get_autocommit():
            session.query("SET autocommit=1")  # one open transaction would answer from its first snapshot for ever
        seen = _facts(running, line) if options.asks_facts() else _ask(session, options.query)
    except MySQLError as error:
        code, text = _words(error)
        seen = wire.refusal(code, text, anonymous=session.greeted and options.user is None)
    if line.farewell and session.open and not line.unread:
        running.hold()
    return seen


def _session(running: Attempt, options: MysqlOptions) -> _Session:
    try:
        secret, tls = running.unlock(options.password_file), running.tls(options.tls)
        return _Session(options.user, secret, tls, several=options.asks_facts())
    except Failure:
        if running.given is not None:  # connected already: leaving without a word would count as a broken connection
            with suppress(Exception):
                _Session(None, Secret(), None).connect(cast("Any", running.dial()))
        raise


def _ask(session: _Session, query: str | None) -> Observation:
    with session.cursor() as cursor:
        cursor.execute(query or wire.QUESTION)
        rows = None if cursor.description is None else cursor.fetchall()
    return wire.alive(rows) if query is None else wire.answer(rows)


def _facts(running: Attempt, line: Line) -> Observation:
    """In the words of the exchange, so that a login and a held session can never tell different things."""
    if line.unread:
        raise Failure(Reason.PROTOCOL, "says what nobody asked for")
    learn = Learn()
    learned = _talk(line, learn, b"")
    if learn.server is None:
        return learned.observation
    running.server = learn.server
    return _talk(line, exchange(running.target.options, learn.server), learned.rest).observation


def _talk(line: Line, asked: Exchange, said: bytes) -> Answer:
    """``said``: what came before it was asked for. A session that says too much, or ends, is not held."""
    line.sendall(asked.request)
    answer = asked.feed(said)
    while answer is None:
        answer = asked.feed(line.recv(CAP))
    if answer.rest or not answer.keep:
        line.farewell = b""
    return answer


def _words(error: MySQLError) -> tuple[int, str]:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return code, str(error.args[-1]) if error.args else type(error).__name__


class _Session(_Connection):
    """A connection that asks nothing of its own accord and gives no password away."""

    server_capabilities: int

    def __init__(self, user: str | None, secret: Secret, tls: Tls | None, *, several: bool = False) -> None:
        self.greeted = False
        self._tls = tls
        super().__init__(
            user=user or ANONYMOUS,
            password=secret.value,
            ssl=cast("Any", tls and _TlsOverLine(tls)),
            # Without this PyMySQL makes a context of its own and loads every CA: 35 ms of CPU a login.
            ssl_disabled=tls is None,
            auth_plugin_map=cast("Any", _Methods(allow_clear=tls is not None)),
            conv={},
            autocommit=None,
            program_name="mooring",
            client_flag=CLIENT.MULTI_STATEMENTS if several else 0,
            defer_connect=True,
        )

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """Nothing: the handshake names the character set, and SET NAMES would be one more question."""

    def _create_ssl_ctx(self, context: _TlsOverLine) -> _TlsOverLine:
        return context

    def _request_authentication(self) -> None:
        self.greeted = True
        if self._tls is not None and not self.server_capabilities & CLIENT.SSL:
            self._leave()
            raise Failure(Reason.TLS, "offers no TLS")
        super()._request_authentication()  # type: ignore[misc]  # the stubs leave it out

    def _leave(self) -> None:
        # Brings a login to its end that may not be made: nobody, without password, is turned away.
        self.ssl = False
        self.client_flag &= ~CLIENT.SSL
        self.user, self.password = ANONYMOUS, b""
        with suppress(Exception):
            super()._request_authentication()  # type: ignore[misc]  # the stubs leave it out


class _TlsOverLine:
    """What PyMySQL takes for an SSLContext: the line turns to TLS itself, under its own deadline."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls

    def wrap_socket(self, line: Line, server_hostname: str) -> Line:  # noqa: ARG002 -- PyMySQL's call; the name is ours
        line.start_tls(self._tls)
        return line


class _Methods(Mapping[str, "Callable[[_Session], _Refusal]"]):
    """PyMySQL's map of login methods to handlers: ours refuses every method but the ones that are allowed."""

    def __init__(self, *, allow_clear: bool) -> None:
        self._allowed = _METHODS | _METHODS_IN_CLEAR if allow_clear else _METHODS

    def __getitem__(self, method: str | bytes) -> Callable[[_Session], _Refusal]:
        name = method.decode("ascii") if isinstance(method, bytes) else method
        if name in self._allowed:
            raise KeyError(name)
        return lambda session: _Refusal(session, name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1  # PyMySQL takes an empty map for none


class _Refusal:
    """Answers a login method that we do not speak with an empty password, so that the server ends the login."""

    def __init__(self, session: _Session, method: str) -> None:
        self._session = session
        self._method = method

    def authenticate(self, _packet: object) -> object:
        session = cast("Any", self._session)
        try:
            session.write_packet(b"\0")
            verdict = session._read_packet()  # noqa: SLF001 -- what PyMySQL's own handlers call
        except MySQLError:
            if not session.password:
                raise
            raise self._failure() from None
        if session.password:
            raise self._failure()
        return verdict

    def _failure(self) -> Failure:
        return Failure(Reason.AUTH, f"asks for the password by the method {self._method!r}; it was not sent")
