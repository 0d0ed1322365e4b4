"""Ends the sessions of named users on a host: over a session of ours, under one deadline and one cap of bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from mooring.model import Observation, Target
from mooring.protocols.dial import dial
from mooring.protocols.exchange import CAP, Entered, Session
from mooring.protocols.failure import Failure
from mooring.protocols.line import Line
from mooring.protocols.options import Options
from mooring.protocols.registry import PROTOCOLS, Kill, Login
from mooring.protocols.secret import Secret
from mooring.protocols.text import clean
from mooring.protocols.toll import Toll

TIMEOUTS = 5
"""The deadline of all of it, in timeouts of the target."""
_CAP = 4 * CAP
"""Bytes that all answers may have: a thousand refusals."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went; ``error`` is cleaned, and empty where nothing hindered us."""

    count: int
    error: str
    session: Session | None
    """Ours, where it is fit for more questions; otherwise it is closed."""


def end_sessions(target: Target, session: Session | None, users: tuple[str, ...]) -> Ended:
    """Ends what these users have open there, where there is no ``session`` over a fresh login. Never raises.

    Takes ``TIMEOUTS`` of the target's timeouts at most, and one more for a login.
    """
    protocol = PROTOCOLS[target.protocol]
    if protocol.kill is None or protocol.login is None:
        return Ended(0, f"{target.protocol} has no sessions to end", None)
    if session is None:
        entered = _entered(target, protocol.login)
        session = entered.session
        if session is None:
            return Ended(0, f"no login: {entered.observation.message}", None)
    return _end(target, session, users, protocol.kill)


def _entered(target: Target, login: Login) -> Entered:
    """After a whole login, as the engine makes it."""
    started = time.monotonic()
    options = cast("Options", target.options)
    try:
        sock = dial(target.address, target.port, started + target.timeout, CAP).hand_over()
    except Failure as failure:
        return Entered(Observation(failure.reason, failure.message), None, greeted=False, secret=Secret())
    if not options.encrypted():
        with suppress(OSError):  # the login will find out
            sock.send(PROTOCOLS[target.protocol].knock)
    return login(target, sock, started)


def _end(target: Target, session: Session, users: tuple[str, ...], kill: Kill) -> Ended:
    toll = Toll()
    line = Line(session.sock, time.monotonic() + TIMEOUTS * target.timeout, _CAP)
    line.farewell = session.farewell
    fit = _brought_to_its_end(lambda: kill(line, target.options, users, toll), toll) and not line.unread
    if fit:
        line.hand_over()
    else:
        line.close()
    return Ended(toll.count, clean(toll.error, session.secret.value), session if fit else None)


def _brought_to_its_end(talk: Callable[[], None], toll: Toll) -> bool:
    try:
        talk()
    except Failure as failure:
        toll.hinder(failure.message)
    except Exception as error:  # noqa: BLE001 -- as for probes: an error that no table knows is told, never a dead thread
        toll.hinder(f"{type(error).__name__}: {error}")
    else:
        return True
    return False
