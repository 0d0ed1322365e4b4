"""What a probe saw. ``started``/``ended`` are monotonic seconds, ``at`` is Unix seconds and only for display."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.model.facts import Facts
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.model.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe saw: a reason of ``model.reasons``, and what the host said.

    ``message`` is clean: escaped, at most 256 bytes, without secrets. ``latency`` is in seconds; None: from the start
    of the probe to its end.
    """

    reason: Reason
    message: str = ""
    answer: str | None = None
    latency: float | None = None
    facts: Facts | None = None
    """None: the probe did not ask for them, or did not come so far."""
    unread: Outcome | None = None
    """Why the facts could not be read though the host answers; it matters only to a Service that needs them."""
    caution: str = ""
    """Why a check that passes now may fail later, or what it cannot see; empty: no cause is known."""
    not_after: float | None = None
    """When the server's certificate expires, in Unix seconds; None: the login verified none."""
    held: bool = False
    """The session that Mooring holds there answers all the same."""
    cause: str = ""
    """The cause of an error that may be Mooring's as well as the host's: ``mysql:1234`` for an error code that no table
    knows, ``tls:expired``; with ``auth``, why Mooring broke off the login itself; empty: none. See
    ``judge.common_cause``."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished probe of a target.

    A ``witness`` was asked only for what its answer shows of other targets. An ``edge`` probe confirms the loss of a
    session, and counts before it is due.
    """

    target: Target
    observation: Observation
    started: float
    ended: float
    at: float
    witness: bool = False
    edge: bool = False
    expedited: bool = False
    """Asked before its turn, because a claim to be the primary waits for the answer."""

    @property
    def latency(self) -> float:
        """Seconds."""
        seconds = self.observation.latency
        return self.ended - self.started if seconds is None else seconds
