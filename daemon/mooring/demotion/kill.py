"""Ends the sessions of named users on a host, over one session of Mooring, with one deadline and one cap of bytes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from mooring.model.targets import Target
from mooring.protocols.exchange import CAP, Session, Unfinished
from mooring.protocols.protocol import Kill
from mooring.protocols.registry import PROTOCOLS
from mooring.protocols.results import KillResult
from mooring.protocols.transport.attempt import unfinished
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.text import clean

TIMEOUTS = 5
"""The total deadline, in timeouts of the target."""
_CAP = 4 * CAP
"""Bytes of all answers together; enough for a thousand refusals."""


@dataclass(frozen=True, slots=True)
class EndedSessions:
    """``count`` sessions were ended; ``error`` is cleaned, and empty where all went well."""

    count: int
    error: str
    session: Session | None
    """The session of Mooring, if it can go on; None: it is closed, or ``unfinished``."""
    unfinished: Unfinished | None = None
    """The connection that has no answer yet: whoever called owns it, and waits for its end."""


def end_sessions(target: Target, session: Session, users: tuple[str, ...], until: float = math.inf) -> EndedSessions:
    """Ends the sessions of these users, over ``session``. Never raises.

    Takes at most ``TIMEOUTS`` timeouts of the target. Ends none after ``until``, in monotonic seconds: by then the host
    may be the primary again.
    """
    kill = PROTOCOLS[target.protocol].client.kill
    if kill is None:
        return EndedSessions(0, f"{target.protocol} has no sessions to end", session)
    return _end(target, session, users, kill, min(until, time.monotonic() + TIMEOUTS * target.timeout))


def _end(target: Target, session: Session, users: tuple[str, ...], kill: Kill, until: float) -> EndedSessions:
    result = KillResult()
    line = BoundedSocket(session.sock, until, _CAP, outlives=True)
    line.sends_late = False
    line.farewell = session.farewell
    fit = _run_to_end(lambda: kill(line, target.options, users, result), result) and not line.unread
    if fit:
        line.hand_over()
    elif not line.overdue:
        line.close()
    error = clean(result.error, session.secret.value)
    left = unfinished(line, session.secret, session.connection_id, logged_in=True)
    return EndedSessions(result.count, error, session if fit else None, left)


def _run_to_end(talk: Callable[[], None], result: KillResult) -> bool:
    try:
        talk()
    except Failure as failure:
        result.note_error(failure.message)
    except Exception as error:  # noqa: BLE001 -- as for probes: an unknown error is reported, and ends no thread
        result.note_error(f"{type(error).__name__}: {error}")
    else:
        return True
    return False
