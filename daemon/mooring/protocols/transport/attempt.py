"""Runs every probe under one deadline and one cap, and turns each of its ends into an observation."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import replace
from typing import Generic

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import OptionsT_co, Target
from mooring.protocols.exchange import CAP, LoginResult, Session, Unfinished
from mooring.protocols.options import TlsOptions
from mooring.protocols.transport.dial import dial
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.files import secret_files
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.secret import Secret, read_secret
from mooring.protocols.transport.text import cleaned
from mooring.protocols.transport.tls import Tls, expiry_caution, tls_for

_UNFIT = frozenset({Reason.PROTOCOL, Reason.AUTH, Reason.QUOTA, Reason.BLOCKED, Reason.LOCAL})
"""After these Mooring holds no connection: the server broke the protocol, or refuses the question."""


PUBLIC_LIMIT = 64 * 1024
"""Bytes of a file that is no secret, as a server's public key, that Mooring reads at most."""


class ProbeRun(Generic[OptionsT_co]):
    """One probe under way, over a connection of its own or over a connected socket that the caller has ``given``."""

    def __init__(
        self, target: Target[OptionsT_co], given: socket.socket | None = None, started: float | None = None
    ) -> None:
        self.target = target
        self.given = given
        self.started = time.monotonic() if started is None else started
        self.secret = Secret()
        self.server: Hashable = None
        """What the login learns of the server; see ``exchange.Session``."""
        self.connection_id = 0
        """The server's id of the connection; 0: not known."""
        self.logged_in = False
        """The login has worked."""
        self._line: BoundedSocket | None = None
        self._deadline = self.started + target.timeout

    @property
    def heard(self) -> bool:
        """The peer has sent something."""
        return self._line is not None and self._line.spoken

    @property
    def not_after(self) -> float | None:
        """When the server's certificate expires, in Unix seconds; None where none was verified."""
        return None if self._line is None else self._line.not_after

    def unlock(self, password_file: str | None) -> Secret:
        """The password to log in with, empty without a file. From now on no message shows it."""
        if password_file is not None:
            self.secret = read_secret(password_file, self._deadline)
        return self.secret

    def file(self, path: str) -> bytes:
        """The content of a file that is no secret. Raises Failure: ``local``."""
        return secret_files.read(path, PUBLIC_LIMIT, self._deadline).data

    def tls(self, options: TlsOptions | None) -> Tls | None:
        return tls_for(options, self.target.address, self._deadline)

    def note_connection_id(self, connection_id: int) -> None:
        """Notes the server's id of the connection."""
        self.connection_id = connection_id

    def dial(self) -> BoundedSocket:
        if self._line is None:
            self._line = self._connect()
        return self._line

    def hold(self) -> None:
        """Keeps a given socket open: the login has worked and nothing is unread."""
        if self._line is not None:
            self._line.kept = self.given is not None

    def held(self) -> Session | None:
        """The connection, if ``hold`` was called and the deadline has not passed."""
        if self._line is None or not self._line.kept or self._line.overdue:
            return None
        return Session(self._line.hand_over(), self._line.farewell, self.secret, self.server, self.connection_id)

    def unfinished(self) -> Unfinished | None:
        """The connection, where the server has not answered by the deadline."""
        if self._line is None:
            return None
        return unfinished(self._line, self.secret, self.connection_id, logged_in=self.logged_in)

    def hang_up(self) -> None:
        if self._line is not None and self._line.overdue:
            return  # the connection stays open, as ``unfinished``
        if self._line is not None:
            self._line.kept = False
            self._line.close()
        elif self.given is not None:
            with suppress(OSError):
                self.given.close()

    def _connect(self) -> BoundedSocket:
        if self.given is not None:
            return BoundedSocket(self.given, self._deadline, CAP, outlives=True)
        return dial(self.target.address, self.target.port, self._deadline, CAP)


def unfinished(line: BoundedSocket, secret: Secret, connection_id: int, *, logged_in: bool) -> Unfinished | None:
    """The connection under the line, where it outlives its deadline; whoever asks owns it then."""
    if not line.overdue:
        return None
    return Unfinished(line.hand_over(), line.farewell, secret, logged_in, connection_id, line.shakes_hands)


def attempt(target: Target[OptionsT_co], ask: Callable[[ProbeRun[OptionsT_co]], Observation]) -> Observation:
    """The observation of ``ask``, or of the error that ended it: cleaned, with its latency. Never raises."""
    running = ProbeRun(target)
    seen = _observe(running, ask)
    running.hang_up()
    return seen


def enter(
    target: Target[OptionsT_co],
    sock: socket.socket,
    started: float,
    ask: Callable[[ProbeRun[OptionsT_co]], Observation],
) -> LoginResult:
    """As ``attempt``, over a connected socket, which stays open where ``ask`` calls ``hold``. Never raises.

    Where the server has not answered by the deadline, the socket stays open, as ``unfinished``.
    """
    running = ProbeRun(target, sock, started)
    seen = _observe(running, ask)
    session = running.held()
    if session is None:
        running.hang_up()
    unfinished = running.unfinished()
    return LoginResult(seen, session, running.heard, running.secret, unfinished, running.logged_in)


def _observe(running: ProbeRun[OptionsT_co], ask: Callable[[ProbeRun[OptionsT_co]], Observation]) -> Observation:
    seen = _ask_safely(running, ask)
    if seen.reason in _UNFIT:
        running.hang_up()
    if seen.reason is Reason.OK:
        caution = seen.caution or expiry_caution(running.not_after, time.time())
        seen = replace(seen, caution=caution, not_after=running.not_after)
    return replace(
        _with_hint(cleaned(seen, running.secret.value), running.secret), latency=time.monotonic() - running.started
    )


def _with_hint(seen: Observation, secret: Secret) -> Observation:
    """Adds to a refusal that the password ends with white space, which a person does not see."""
    if seen.reason is not Reason.AUTH or not secret.ends_with_white_space:
        return seen
    return replace(seen, message=f"{seen.message} (the password file ends with white space)")


def _ask_safely(running: ProbeRun[OptionsT_co], ask: Callable[[ProbeRun[OptionsT_co]], Observation]) -> Observation:
    try:
        return ask(running)
    except Failure as failure:
        seen = Observation(failure.reason, failure.message, cause=failure.cause)
    except Exception as error:  # noqa: BLE001 -- an unknown error is an outcome, and ends no worker
        seen = _from_exception(error, heard=running.heard)
    running.hang_up()
    return seen


def _from_exception(error: Exception, *, heard: bool) -> Observation:
    # After the peer has sent something, its bytes made the library fail; before that, the fault is Mooring's own.
    return Observation(Reason.PROTOCOL if heard else Reason.LOCAL, f"{type(error).__name__}: {error}")
