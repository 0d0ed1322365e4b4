"""The result of a batch of reports: Services to publish, targets to probe, events to report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mooring.judge.host import HostTracker
from mooring.judge.result import HostResult
from mooring.model.events import Event
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey
from mooring.model.targets import Member, Target


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What the dispatcher must do after a batch."""

    events: tuple[Event, ...] = ()
    changed: frozenset[ServiceKey] = frozenset()
    """Services to publish now."""
    ask: frozenset[Target] = frozenset()
    """Targets to ask at once as witnesses."""
    probe_soon: frozenset[Target] = frozenset()
    """Targets to probe before their turn."""
    writer_grace_seconds: Mapping[ServiceKey, float] = field(default_factory=dict)
    """Services to publish after so many seconds, unless something publishes them sooner. Their primary stepped down,
    and one write can then also add its successor."""
    judged: tuple[tuple[Member, Reason], ...] = ()
    """The reason of each judged probe, for members whose Service asks for more than an answer."""


@dataclass(slots=True)
class BatchBuilder:
    """Collects a ``BatchResult``, report by report."""

    events: list[Event] = field(default_factory=list)
    changed: set[ServiceKey] = field(default_factory=set)
    ask: frozenset[Target] = frozenset()
    probe_soon: set[Target] = field(default_factory=set)
    writer_grace_seconds: dict[ServiceKey, float] = field(default_factory=dict)
    judged: list[tuple[Member, Reason]] = field(default_factory=list)

    def add(self, tracker: HostTracker, result: HostResult) -> None:
        key = tracker.member.service
        if result.reason is not None and tracker.member.selective:
            self.judged.append((tracker.member, result.reason))
        self.events += result.events
        self.probe_soon |= result.probe_soon
        if result.writer_grace_seconds is not None:
            self.writer_grace_seconds[key] = result.writer_grace_seconds
        elif result.moved or result.published:
            self.changed.add(key)

    def build(self) -> BatchResult:
        later = {key: seconds for key, seconds in self.writer_grace_seconds.items() if key not in self.changed}
        changed, probe_soon = frozenset(self.changed), frozenset(self.probe_soon)
        return BatchResult(tuple(self.events), changed, self.ask, probe_soon, later, tuple(self.judged))
