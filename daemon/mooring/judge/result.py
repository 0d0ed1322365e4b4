"""What one report does to a Service."""

from __future__ import annotations

from dataclasses import dataclass, field

from mooring.model.events import Event, HostChanged
from mooring.model.reasons import Reason
from mooring.model.targets import Target


@dataclass(slots=True)
class HostResult:
    """The effect of one report on a Service, and the targets to probe soon."""

    events: list[Event] = field(default_factory=list)
    probe_soon: set[Target] = field(default_factory=set)
    reason: Reason | None = None
    """The reason of the judged outcome; None: nothing was judged."""
    writer_grace_seconds: float | None = None
    """The primary stepped down: the write waits this long, so that it can also add the successor. None: no wait."""
    published: bool = False
    """What the publisher reads of the host has changed."""

    @property
    def moved(self) -> list[HostChanged]:
        return [event for event in self.events if isinstance(event, HostChanged)]


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """When a verdict changed (``changed_at``, monotonic seconds), and when its first evidence came (Unix seconds)."""

    changed_at: float
    evidence: float
