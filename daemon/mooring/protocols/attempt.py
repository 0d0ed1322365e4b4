"""The frame of every probe: one deadline, one cap, one place where any end becomes an observation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from mooring.model import Observation, Target
from mooring.protocols.dial import dial
from mooring.protocols.failure import Failure
from mooring.protocols.line import Line
from mooring.protocols.options import TlsOptions
from mooring.protocols.secret import Secret, read_secret
from mooring.protocols.text import clean
from mooring.protocols.tls import Tls, tls_for
from mooring.reasons import Reason

CAP = 64 * 1024
"""Bytes that a probe reads at most: a login and one small answer need less than one hundredth of it."""


class Attempt:
    """One probe under way."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.started = time.monotonic()
        self.secret = Secret()
        self._line: Line | None = None

    @property
    def heard(self) -> bool:
        """The peer has sent something."""
        return self._line is not None and self._line.received > 0

    def unlock(self, password_file: str | None) -> Secret:
        """The password to log in with, empty where there is none. From here on no message shows it."""
        if password_file is not None:
            self.secret = read_secret(password_file)
        return self.secret

    def tls(self, options: TlsOptions | None) -> Tls | None:
        return tls_for(options, self.target.address)

    def dial(self) -> Line:
        target = self.target
        self._line = dial(target.address, target.port, self.started + target.timeout, CAP)
        return self._line

    def hang_up(self) -> None:
        if self._line is not None:
            self._line.close()


def attempt(target: Target, ask: Callable[[Attempt], Observation]) -> Observation:
    """What ``ask`` saw or what ended it, its message cleaned, with the seconds that it took. Never raises."""
    running = Attempt(target)
    try:
        seen = ask(running)
    except Failure as failure:
        seen = Observation(failure.reason, failure.message)
    except Exception as error:  # noqa: BLE001 -- an error that no table knows is an outcome, never a dead worker
        seen = _stumbled(error, heard=running.heard)
    finally:
        running.hang_up()
    message = clean(seen.message, running.secret.value)
    return replace(seen, message=message, latency=time.monotonic() - running.started)


def _stumbled(error: Exception, *, heard: bool) -> Observation:
    # A library stumbles over what the peer sent; before the peer said anything, the fault can only be ours.
    return Observation(Reason.PROTOCOL if heard else Reason.LOCAL, f"{type(error).__name__}: {error}")
