"""What Mooring holds of a host."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mooring.model.damping import Hold
from mooring.model.facts import Facts
from mooring.model.reasons import MEANINGS, Effect, Reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """An observation judged by what one Service asks of the host."""

    reason: Reason
    message: str = ""
    stays: bool = False
    """It would count, but a policy of the Service leaves the verdict as it is."""

    @property
    def effect(self) -> Effect:
        return Effect.UNKNOWN if self.stays else MEANINGS[self.reason].effect


class Verdict(enum.StrEnum):
    """What Mooring holds of a host."""

    UNJUDGED = "never-judged"
    READY = "ready"
    NOT_READY = "not-ready"


class Transition(enum.Enum):
    """What an outcome did to a verdict."""

    UNCHANGED = "unchanged"
    PENDING = "pending"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the streak of outcomes against it and the last outcome, whichever it was."""

    verdict: Verdict = Verdict.UNJUDGED
    streak: int = 0
    since: float | None = None
    """When the verdict began, in Unix seconds."""
    outcome: Outcome | None = None
    self_disqualified: bool = False
    """It said itself that it must not serve (``Effect.DECIDES``), and no success took that back."""
    fault: Reason | None = None
    """Of the last failure: a success or an outcome that is unknown does not take it back."""


@dataclass(frozen=True, slots=True)
class HostState(Judgement):
    """A judgement, and when and what the host last answered."""

    counted_at: float | None = None
    """When, in monotonic seconds, an outcome last counted."""
    probed_at: float | None = None
    """When the last probe ended, in Unix seconds."""
    latency: float | None = None
    """Of the last probe, in seconds."""
    facts: Facts | None = None
    """What its last answer said of its role."""
    caution: str = ""
    """Why its last check, which passed, may fail later (``Observation.caution``)."""
    not_after: float | None = None
    """When its certificate expires, as its last answer showed (``Observation.not_after``)."""
    held: Hold | None = None
    """Enough outcomes contradict the verdict, and a rule of the Service or a setting holds it back."""
