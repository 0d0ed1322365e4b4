"""What is counted between two scrapes: plain ints, behind one lock, cheap enough for every probe."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from mooring.events import HostChanged, SessionsKilled
from mooring.model import Member, Report, Target, Verdict
from mooring.observe.families import PROBE_DURATION
from mooring.reasons import Reason

Labels = tuple[str, ...]
"""Namespace, Service, host, address: what a series of a host is known by."""


def labels(member: Member) -> Labels:
    return member.service.namespace, member.service.name, member.host, member.address


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
        """Upper bound as text → how many were at most that, as the exposition format wants them."""
        bounds = [*(str(bound) for bound in self.bounds), "+Inf"]
        return [*zip(bounds, map(float, accumulate(self.counts)), strict=True)]


@dataclass(slots=True)
class _Seat:
    """What is counted of one member."""

    probes: dict[Reason, int] = field(default_factory=dict)
    transitions: dict[Verdict, int] = field(default_factory=lambda: {Verdict.READY: 0, Verdict.NOT_READY: 0})
    killed: int = 0


Counted = Mapping[Labels, tuple[Mapping[Reason, int], Mapping[Verdict, int]]]
"""Of each host its probes by reason, and its changes of verdict."""


class Tally:
    """Counts of every member that is listed now; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seats: dict[Labels, _Seat] = {}
        self._by_target: dict[Target, list[_Seat]] = {}
        self._durations: dict[str, Distribution] = {}

    def seat(self, members: Iterable[Member]) -> None:
        """From now on these are counted. A known one's counts go on, also where it is probed in another way."""
        with self._lock:
            before, self._seats, self._by_target = self._seats, {}, {}
            for member in members:
                seat = before.get(labels(member)) or _Seat()
                self._seats[labels(member)] = seat
                if not member.selective:
                    self._by_target.setdefault(member.target, []).append(seat)

    def probed(self, reports: Iterable[Report], judged: Iterable[tuple[Member, Reason]] = ()) -> None:
        """``judged`` is what became of probes for members that want more than an answer."""
        with self._lock:
            for report in reports:
                self._count(report)
            for member, reason in judged:
                if seat := self._seats.get(labels(member)):
                    seat.probes[reason] = seat.probes.get(reason, 0) + 1

    def _count(self, report: Report) -> None:
        seen, target = report.observation, report.target
        duration = self._durations.get(target.protocol)
        if duration is None:
            duration = self._durations[target.protocol] = Distribution(PROBE_DURATION.bounds)
        duration.observe(report.ended - report.started)
        for seat in self._by_target.get(target, ()):
            seat.probes[seen.reason] = seat.probes.get(seen.reason, 0) + 1

    def changed(self, event: HostChanged) -> None:
        with self._lock:
            seat = self._seats.get(labels(event.member))
            if seat is not None:
                seat.transitions[event.state.verdict] += 1

    def killed(self, event: SessionsKilled) -> None:
        with self._lock:
            seat = self._seats.get(labels(event.member))
            if seat is not None:
                seat.killed += event.count

    def sessions(self) -> Mapping[Labels, int]:
        """How many were ended on each host; a copy."""
        with self._lock:
            return {host: seat.killed for host, seat in self._seats.items()}

    def hosts(self) -> Counted:
        """A copy."""
        with self._lock:
            return {host: (dict(seat.probes), dict(seat.transitions)) for host, seat in self._seats.items()}

    def durations(self) -> Mapping[str, Distribution]:
        """A copy, by protocol."""
        with self._lock:
            return {protocol: duration.copy() for protocol, duration in self._durations.items()}
