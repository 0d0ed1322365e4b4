"""The frame of every probe: one deadline, one cap, one place where any end becomes an observation."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import replace

from mooring.model import Observation, Target
from mooring.protocols.dial import dial
from mooring.protocols.exchange import CAP, Entered, Session
from mooring.protocols.failure import Failure
from mooring.protocols.line import Line
from mooring.protocols.options import TlsOptions
from mooring.protocols.secret import Secret, read_secret
from mooring.protocols.text import cleaned
from mooring.protocols.tls import Tls, tls_for
from mooring.reasons import Reason

_UNFIT = frozenset({Reason.PROTOCOL, Reason.AUTH, Reason.BLOCKED, Reason.LOCAL})
"""After these a connection is not worth holding: it broke the rules, or does not let us ask."""


class Attempt:
    """One probe under way, over a connection of its own or, where ``given``, over a connected socket of another's."""

    def __init__(self, target: Target, given: socket.socket | None = None, started: float | None = None) -> None:
        self.target = target
        self.given = given
        self.started = time.monotonic() if started is None else started
        self.secret = Secret()
        self.server: Hashable = None
        """What the login learns of the server; see ``Session``."""
        self._line: Line | None = None
        self._deadline = self.started + target.timeout

    @property
    def heard(self) -> bool:
        """The peer has sent something."""
        return self._line is not None and self._line.spoken

    def unlock(self, password_file: str | None) -> Secret:
        """The password to log in with, empty where there is none. From here on no message shows it."""
        if password_file is not None:
            self.secret = read_secret(password_file)
        return self.secret

    def tls(self, options: TlsOptions | None) -> Tls | None:
        return tls_for(options, self.target.address)

    def dial(self) -> Line:
        if self._line is None:
            self._line = self._connected()
        return self._line

    def hold(self) -> None:
        """The login has worked and nothing is unread: a given socket is not to be closed any more."""
        if self._line is not None:
            self._line.kept = self.given is not None

    def held(self) -> Session | None:
        """The connection, where it is to be held."""
        if self._line is None or not self._line.kept:
            return None
        return Session(self._line.hand_over(), self._line.farewell, self.secret, self.server)

    def hang_up(self) -> None:
        if self._line is not None:
            self._line.kept = False
            self._line.close()
        elif self.given is not None:
            with suppress(OSError):
                self.given.close()

    def _connected(self) -> Line:
        if self.given is not None:
            return Line(self.given, self._deadline, CAP)
        return dial(self.target.address, self.target.port, self._deadline, CAP)


def attempt(target: Target, ask: Callable[[Attempt], Observation]) -> Observation:
    """What ``ask`` saw or what ended it, its message cleaned, with the seconds that it took. Never raises."""
    running = Attempt(target)
    seen = _seen(running, ask)
    running.hang_up()
    return seen


def enter(target: Target, sock: socket.socket, started: float, ask: Callable[[Attempt], Observation]) -> Entered:
    """As ``attempt``, over a connected socket, which is kept where ``ask`` says ``hold``. Never raises."""
    running = Attempt(target, sock, started)
    seen = _seen(running, ask)
    session = running.held()
    if session is None:
        running.hang_up()
    return Entered(seen, session, running.heard, running.secret)


def _seen(running: Attempt, ask: Callable[[Attempt], Observation]) -> Observation:
    seen = _asked(running, ask)
    if seen.reason in _UNFIT:
        running.hang_up()
    return replace(cleaned(seen, running.secret.value), latency=time.monotonic() - running.started)


def _asked(running: Attempt, ask: Callable[[Attempt], Observation]) -> Observation:
    try:
        return ask(running)
    except Failure as failure:
        seen = Observation(failure.reason, failure.message)
    except Exception as error:  # noqa: BLE001 -- an error that no table knows is an outcome, never a dead worker
        seen = _stumbled(error, heard=running.heard)
    running.hang_up()
    return seen


def _stumbled(error: Exception, *, heard: bool) -> Observation:
    # A library stumbles over what the peer sent; before the peer said anything, the fault can only be ours.
    return Observation(Reason.PROTOCOL if heard else Reason.LOCAL, f"{type(error).__name__}: {error}")
