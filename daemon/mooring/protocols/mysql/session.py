"""A connection of PyMySQL that sends no query of its own, never shows the password, and ends each login politely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, cast

from pymysql.connections import Connection
from pymysql.constants import CLIENT as CAPABILITIES
from pymysql.err import MySQLError

from mooring.model.reasons import Reason
from mooring.protocols.framed import Broken
from mooring.protocols.mysql import methods
from mooring.protocols.mysql.public_key import (
    FAST,
    KEY_REQUESTS,
    NO_KEY,
    REFUSE,
    REFUSED,
    PublicKey,
)
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.secret import Secret
from mooring.protocols.transport.tls import Tls

if TYPE_CHECKING:
    _Connection = Connection[Any]
else:
    _Connection = Connection  # generic in the stubs only

NOBODY = "mooring-nobody"
"""As whom, without a password, Mooring ends a login that it may not make: the server refuses it and counts no broken
connection. No account that exists: some servers lock an account after refusals."""

NOT_SENT = "mysql:password-not-sent"
"""The cause of a login that Mooring breaks off, as it would have to send the password in a way that it must not."""

ACCESS_DENIED = 1045


def split_error(error: MySQLError) -> tuple[int, str]:
    """Its code, 0 for none, and its text."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return code, str(error.args[-1]) if error.args else type(error).__name__


class Session(_Connection):
    """A connection that sends no query of PyMySQL's own and never shows the password."""

    server_capabilities: int
    server_version: str
    server_thread_id: tuple[int]

    def __init__(
        self,
        user: str | None,
        secret: Secret,
        tls: Tls | None,
        key: PublicKey = REFUSE,
        *,
        several: bool = False,
        on_greeting: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.greeted = self.by_cache = False
        self.refused: Failure | None = None
        """A method was refused, and the server went on to another one."""
        self._key = key
        self._authenticating = self._asks_for_key = False
        self._on_greeting = on_greeting
        self.tls = tls
        super().__init__(
            user=user or NOBODY,
            password=secret.value,
            ssl=cast("Any", tls and _TlsOverLine(tls)),
            # Without this PyMySQL makes a context of its own and loads every CA: 35 ms of CPU a login.
            ssl_disabled=tls is None,
            auth_plugin_map=cast("Any", _Methods(allow_clear=tls is not None and tls.verified)),
            conv={},
            autocommit=None,
            program_name="mooring",
            client_flag=CAPABILITIES.MULTI_STATEMENTS if several else 0,
            defer_connect=True,
        )

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """Does nothing: the handshake names the character set, and SET NAMES would be one more question."""

    def _create_ssl_ctx(self, context: _TlsOverLine) -> _TlsOverLine:
        return context

    def _request_authentication(self) -> None:
        self.greeted = True
        self._on_greeting(self.server_thread_id[0])
        if self.tls is not None and not self.server_capabilities & CAPABILITIES.SSL:
            self._leave()
            raise Failure(Reason.TLS, "offers no TLS", "tls:not offered")
        self._authenticating = True
        super()._request_authentication()  # type: ignore[misc]  # the stubs leave it out
        self._authenticating = False

    def write_packet(self, payload: bytes) -> None:
        """As PyMySQL's; notes a request for the server's key: a server without one refuses it as a wrong password."""
        self._asks_for_key = self._authenticating and self.tls is None and payload in KEY_REQUESTS
        super().write_packet(payload)

    def _read_packet(self, *more: Any) -> Any:
        try:
            packet = super()._read_packet(*more)  # type: ignore[no-untyped-call]  # the stubs leave it so
        except MySQLError as error:
            if self._asks_for_key and split_error(error)[0] == ACCESS_DENIED:
                raise Failure(Reason.AUTH, NO_KEY, NOT_SENT) from None
            raise
        if self._authenticating and self.tls is None and packet.get_all_data()[: len(FAST)] == FAST:
            self.by_cache = self._key.is_refused
        return packet

    def _process_auth(self, method: bytes, packet: Any, handler: Any = None) -> Any:
        """As PyMySQL's, which goes from the first method to one other: an account may have several."""
        try:
            for _ in range(methods.MOST):
                packet = super()._process_auth(method, packet, handler)  # type: ignore[misc]  # the stubs leave it out
                if packet is None or not packet.is_auth_switch_request():
                    break
                packet.read_uint8()
                method = packet.read_string()
                handler = self._get_auth_plugin_handler(method)  # type: ignore[attr-defined]  # as above
        except MySQLError:
            if self.refused is None:
                raise
            raise self.refused from None
        except Broken as broken:
            raise Failure(Reason.PROTOCOL, str(broken)) from None
        return packet

    @property
    def server_public_key(self) -> bytes | None:
        """PyMySQL reads this before it sends a password without TLS, and sets it to the key that the server sent."""
        if self._authenticating and self._key.is_refused:
            self._end_login()
        return self._key.known

    @server_public_key.setter
    def server_public_key(self, sent: bytes | None) -> None:
        if sent is None:
            return
        if self._key.is_refused:
            self._end_login()
        if self._key.known is None:
            self._key = PublicKey(sent)

    def _end_login(self) -> NoReturn:
        with suppress(MySQLError):  # an empty password: the server itself ends the login
            cast("Any", self).write_packet(b"\0")
            self._read_packet()
        raise Failure(Reason.AUTH, REFUSED, NOT_SENT)

    def _leave(self) -> None:
        self.ssl = False
        self.client_flag &= ~CAPABILITIES.SSL
        self.user, self.password = NOBODY, b""
        with suppress(Exception):
            super()._request_authentication()  # type: ignore[misc]  # the stubs leave it out


class _TlsOverLine:
    """Stands in for PyMySQL's SSLContext: the line itself starts TLS, under its own deadline."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls

    def wrap_socket(self, line: BoundedSocket, server_hostname: str) -> BoundedSocket:  # noqa: ARG002 -- PyMySQL's call; Tls has the name
        line.start_tls(self._tls)
        return line


class _Methods(Mapping[str, "Callable[[Session], object]"]):
    """PyMySQL's map of login methods to handlers: refuses every method that is not allowed."""

    def __init__(self, *, allow_clear: bool) -> None:
        self._allowed = methods.HIDING | methods.IN_CLEAR if allow_clear else methods.HIDING

    def __getitem__(self, method: str | bytes) -> Callable[[Session], object]:
        name = method.decode("ascii") if isinstance(method, bytes) else method
        if name == "parsec":
            return methods.Parsec
        if name in self._allowed:
            raise KeyError(name)
        return lambda session: _Refusal(session, name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1  # PyMySQL ignores an empty map


class _Refusal:
    """Answers a login method that Mooring refuses with an empty password, so that the server ends the login."""

    def __init__(self, session: Session, method: str) -> None:
        self._session = session
        self._method = method

    def authenticate(self, _packet: object) -> object:
        session = cast("Any", self._session)
        try:
            session.write_packet(b"\0")
            reply = session._read_packet()  # noqa: SLF001 -- what PyMySQL's own handlers call
        except MySQLError:
            if not session.password:
                raise
            raise self._failure() from None
        if reply.is_auth_switch_request():
            self._session.refused = self._failure() if session.password else None
        elif session.password:
            raise self._failure()
        return reply

    def _failure(self) -> Failure:
        return Failure(Reason.AUTH, f"asks for the password by the method {self._method!r}; it was not sent", NOT_SENT)
