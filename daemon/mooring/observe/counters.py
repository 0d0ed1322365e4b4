"""What is counted between two scrapes: plain ints, behind one lock, cheap enough for every probe."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from mooring.model.damping import Damper
from mooring.model.events import HostChanged, SessionsKilled
from mooring.model.host_events import HostHeld
from mooring.model.probes import Report
from mooring.model.reasons import Reason
from mooring.model.targets import Member, Target
from mooring.model.verdicts import Verdict
from mooring.observe.families import PROBE_DURATION

Labels = tuple[str, ...]
"""Namespace, Service, host, address: what a series of a host is known by."""


def labels(member: Member) -> Labels:
    return member.service.namespace, member.service.name, member.host.name, member.address


class Distribution:
    """A histogram: ``counts`` of values up to each of ``bounds``, and beyond the last."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> Distribution:
        other = Distribution(self.bounds)
        other.counts, other.total = self.counts[:], self.total
        return other

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound as text → how many were at most that, in the order of the exposition format."""
        bounds = [*(str(bound) for bound in self.bounds), "+Inf"]
        return [*zip(bounds, map(float, accumulate(self.counts)), strict=True)]


@dataclass(slots=True)
class HostCounters:
    """What is counted of one member."""

    probes: dict[Reason, int] = field(default_factory=dict)
    transitions: dict[Verdict, int] = field(default_factory=lambda: {Verdict.READY: 0, Verdict.NOT_READY: 0})
    killed: int = 0
    holds: dict[Damper, int] = field(default_factory=dict)


Counted = Mapping[Labels, tuple[Mapping[Reason, int], Mapping[Verdict, int]]]
"""For each host its probes by reason, and its changes of verdict."""


class Counters:
    """Counts of every member that is listed now; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tracking = threading.Lock()
        """Held by ``track``, which takes long: probes are counted meanwhile."""
        self._hosts: dict[Labels, HostCounters] = {}
        self._by_target: dict[Target, list[HostCounters]] = {}
        self._durations: dict[str, Distribution] = {}

    def track(self, members: Iterable[Member]) -> None:
        """Counts for these members from now on. A known one keeps its counts, also where its probe changes."""
        hosts: dict[Labels, HostCounters] = {}
        by_target: dict[Target, list[HostCounters]] = {}
        with self._tracking:
            for member in members:
                host = labels(member)
                counters = hosts[host] = self._hosts.get(host) or HostCounters()
                if not member.selective:
                    by_target.setdefault(member.target, []).append(counters)
            with self._lock:
                self._hosts, self._by_target = hosts, by_target

    def probed(self, reports: Iterable[Report], judged: Iterable[tuple[Member, Reason]] = ()) -> None:
        """``judged`` are the outcomes for members that judge an answer by more than its arrival."""
        with self._lock:
            for report in reports:
                self._count(report)
            for member, reason in judged:
                if counters := self._hosts.get(labels(member)):
                    counters.probes[reason] = counters.probes.get(reason, 0) + 1

    def _count(self, report: Report) -> None:
        seen, target = report.observation, report.target
        duration = self._durations.get(target.protocol)
        if duration is None:
            duration = self._durations[target.protocol] = Distribution(PROBE_DURATION.bounds)
        duration.observe(report.ended - report.started)
        for counters in self._by_target.get(target, ()):
            counters.probes[seen.reason] = counters.probes.get(seen.reason, 0) + 1

    def changed(self, event: HostChanged) -> None:
        with self._lock:
            if counters := self._hosts.get(labels(event.member)):
                counters.transitions[event.state.verdict] += 1

    def killed(self, event: SessionsKilled) -> None:
        with self._lock:
            if counters := self._hosts.get(labels(event.member)):
                counters.killed += event.count

    def held(self, event: HostHeld) -> None:
        with self._lock:
            if event.state.held and (counters := self._hosts.get(labels(event.member))):
                by = event.state.held.by
                counters.holds[by] = counters.holds.get(by, 0) + 1

    def holds(self) -> Mapping[Labels, Mapping[Damper, int]]:
        """How often the verdict of each host was held back, by the rule; a copy."""
        return {host: dict(counters.holds) for host, counters in self._hosts.items()}

    def sessions(self) -> Mapping[Labels, int]:
        """How many sessions were ended on each host; a copy."""
        return {host: counters.killed for host, counters in self._hosts.items()}

    def hosts(self) -> Counted:
        """A copy, host by host: each dict is copied in one step of the interpreter, so that no probe waits."""
        return {host: (dict(one.probes), dict(one.transitions)) for host, one in self._hosts.items()}

    def durations(self) -> Mapping[str, Distribution]:
        """A copy, by protocol."""
        with self._lock:
            return {protocol: duration.copy() for protocol, duration in self._durations.items()}
