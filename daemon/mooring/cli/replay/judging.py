"""Judges the outcomes of a recorded Service again, by the code that the daemon judges by."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mooring.cli.replay.record import RecordedHost, RecordedService, Stretch
from mooring.judge.host import HostTracker
from mooring.judge.members import members
from mooring.judge.service import ServiceHealth
from mooring.model.events import HostChanged
from mooring.model.probes import Observation, Report
from mooring.model.reasons import Effect
from mooring.model.spec import ServiceSpec
from mooring.model.verdicts import Verdict
from mooring.plan.select import select


@dataclass(frozen=True, slots=True)
class Outage:
    """A host was not ready; times in Unix seconds. ``back``: None, it was out still at the end of the record."""

    out: float
    back: float | None


@dataclass(frozen=True, slots=True)
class Published:
    """From this time on, in Unix seconds, these addresses are published as ready, and those as not ready."""

    at: float
    ready: frozenset[str]
    not_ready: frozenset[str]


@dataclass(slots=True)
class Course:
    """What became of a Service from ``begin`` to ``end``, in Unix seconds; hosts by their address."""

    begin: float
    end: float
    turns: dict[str, list[tuple[float, Verdict]]] = field(default_factory=dict)
    """The changes of each verdict, that of a first one included."""
    published: list[Published] = field(default_factory=list)

    def outages(self, address: str) -> list[Outage]:
        """The times that the host was out, of those that began within the record."""
        found: list[Outage] = []
        for at, verdict in self.turns.get(address, ()):
            if verdict is Verdict.NOT_READY:
                found.append(Outage(at, None))
            elif found and found[-1].back is None:
                found[-1] = replace(found[-1], back=at)
        return found

    def served(self, address: str) -> float:
        """For how many seconds it was published as ready."""
        return sum(seconds for seconds, one in self._spans() if address in one.ready)

    @property
    def empty(self) -> float:
        """For how many seconds no host was."""
        return sum(seconds for seconds, one in self._spans() if not one.ready)

    def _spans(self) -> list[tuple[float, Published]]:
        ends = [*(one.at for one in self.published[1:]), self.end]
        return [(end - one.at, one) for one, end in zip(self.published, ends, strict=True)]


@dataclass(slots=True)
class _Replayed:
    """One host: where it is in its outcomes."""

    tracker: HostTracker
    stretches: tuple[Stretch, ...]
    stretch: int = 0
    number: int = 0

    @property
    def next_at(self) -> float | None:
        if self.stretch == len(self.stretches):
            return None
        return self.stretches[self.stretch].at(self.number)

    def report(self, at: float) -> Report:
        said = self.stretches[self.stretch].outcome
        seen = Observation(said.reason, said.message, held=said.stays)
        return Report(self.tracker.member.target, seen, at, at, at)

    def step(self) -> None:
        """To the next outcome; those that can change nothing any more are left out."""
        stretch = self.stretches[self.stretch]
        self.number += 1
        if self.number >= stretch.count or self._is_settled(stretch):
            self.stretch, self.number = self.stretch + 1, 0

    def _is_settled(self, stretch: Stretch) -> bool:
        """Further outcomes of the stretch agree with the verdict, or count for nothing."""
        said, held = stretch.outcome, self.tracker.judgement
        if said.stays:  # whether such an outcome counts depends on the other hosts
            return False
        if said.effect is Effect.UNKNOWN:
            return True
        agrees = held.verdict is (Verdict.READY if said.effect is Effect.SUCCESS else Verdict.NOT_READY)
        return agrees and held.streak == 0 and self.tracker.hold is None


def judge_again(recorded: RecordedService, spec: ServiceSpec, end: float) -> Course:
    """The course of the Service by ``spec``, whose hosts are those of the record.

    Each recorded outcome counts: of those that did not, as a probe before its turn, the record knows nothing.
    """
    health = ServiceHealth(spec)
    health.set_members(spec, members(spec, {}, ()))
    firsts = {one.address: one.first for one in recorded.hosts}
    health.seed(_Stored(firsts), None)
    hosts = [_replayed(health, one) for one in recorded.hosts if one.address in health.trackers]
    begins = [one.next_at for one in hosts if one.next_at is not None]
    course = Course(min(begins, default=end), end)
    _publish(course, health, course.begin)
    line = [(at, number) for number, one in enumerate(hosts) if (at := one.next_at) is not None]
    heapq.heapify(line)
    while line:
        at, number = heapq.heappop(line)
        _take(course, health, hosts[number], at)
        if (following := hosts[number].next_at) is not None:
            heapq.heappush(line, (following, number))
    return course


def _replayed(health: ServiceHealth, host: RecordedHost) -> _Replayed:
    return _Replayed(health.trackers[host.address], host.stretches)


def _take(course: Course, health: ServiceHealth, host: _Replayed, at: float) -> None:
    result = health.take(host.tracker, host.report(at), {}, None)
    for event in result.events:
        if isinstance(event, HostChanged):
            course.turns.setdefault(event.member.address, []).append((at, event.state.verdict))
    if result.published or result.moved:
        _publish(course, health, at)
    host.step()


def _publish(course: Course, health: ServiceHealth, at: float) -> None:
    """Notes what is published from now on, where that changes."""
    view = [(tracker.member, tracker.state) for tracker in health.trackers.values()]
    before = course.published[-1] if course.published else None
    kept = before or Published(at, frozenset(one.address for one, state in view if state.verdict is Verdict.READY), _NO)
    found = select(view, kept, health.spec.when_all_fail, health.spec.min_ready)
    after = Published(at, frozenset(found.ready), frozenset(found.not_ready))
    if before is None or before.ready != after.ready:
        course.published.append(after)


_NO: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Stored:
    """The verdicts that the record begins with, as what was stored."""

    verdicts: Mapping[str, Verdict]

    @property
    def ready(self) -> frozenset[str]:
        return self._of(Verdict.READY)

    @property
    def not_ready(self) -> frozenset[str]:
        return self._of(Verdict.NOT_READY)

    def _of(self, wanted: Verdict) -> frozenset[str]:
        return frozenset(address for address, verdict in self.verdicts.items() if verdict is wanted)
