"""Finds the members and quorums of a target, over all Services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from mooring.judge.host import HostTracker
from mooring.judge.service import ServiceHealth
from mooring.model.facts import place
from mooring.model.probes import Report
from mooring.model.silence import Outlook
from mooring.model.spec import Check, ProbeTimings
from mooring.model.targets import Target


@dataclass(slots=True)
class TargetIndex:
    """The members and quorums by their target. A target without any stays until ``purge``."""

    trackers: dict[Target, list[tuple[ServiceHealth, HostTracker]]] = field(default_factory=dict)
    quorums: dict[Target, list[ServiceHealth]] = field(default_factory=dict)
    ready: set[Target] = field(default_factory=set)
    """Targets of ready members, those in maintenance included: their answers, too, show that the network works."""

    left: set[Target] = field(default_factory=set)
    """Targets that had no member for a moment since the last ``purge``."""

    offsets: dict[str, int] = field(default_factory=dict)
    """The replication offset of each primary, in bytes, by ``address:port``."""

    def enter(self, health: ServiceHealth) -> None:
        """Adds the members and the quorum of the Service."""
        for tracker in health.trackers.values():
            self.trackers.setdefault(tracker.member.target, []).append((health, tracker))
        for target in health.contest.votes:
            self.quorums.setdefault(target, []).append(health)
        self.note_verdicts(health)

    def leave(self, health: ServiceHealth) -> None:
        """Takes out the members and the quorum of the Service."""
        for target in {tracker.member.target for tracker in health.trackers.values()}:
            self.trackers[target] = [one for one in self.trackers[target] if one[0] is not health]
            self.note_verdict(target)
            if not self.trackers[target]:
                self.left.add(target)
        for target in health.contest.votes:
            self.quorums[target] = [one for one in self.quorums[target] if one is not health]
            if not self.quorums[target]:
                del self.quorums[target]

    def purge(self) -> list[Target]:
        """Removes and returns the targets without a member."""
        gone = [target for target in self.left if not self.trackers[target]]
        self.left.clear()
        for target in gone:
            del self.trackers[target]
            self.offsets.pop(place(target.address, target.port), None)
        return gone

    def note_verdicts(self, health: ServiceHealth) -> None:
        """Verdicts of the Service may have changed."""
        for tracker in health.trackers.values():
            self.note_verdict(tracker.member.target)

    def note_verdict(self, target: Target) -> None:
        """A verdict of one of its members may have changed."""
        if any(tracker.ready for _, tracker in self.trackers[target]):
            self.ready.add(target)
        else:
            self.ready.discard(target)

    def ready_addresses(self) -> set[str]:
        """The probed addresses of ready members."""
        return {target.address for target in self.ready}

    def steady(self, target: Target) -> Sequence[tuple[ServiceHealth, HostTracker]]:
        """Its members, where each is steady and asked for an answer only, and it is of no quorum; else none."""
        trackers = self.trackers.get(target)
        if not trackers or (self.quorums and target in self.quorums):
            return ()
        for _, tracker in trackers:
            if not tracker.steady or not tracker.asked_for_an_answer_only:
                return ()
        return trackers

    def note_offset(self, report: Report) -> None:
        """Notes the replication offset of the host, if it reports one and follows no other."""
        facts = report.observation.facts
        if facts is not None and facts.offset is not None:
            where = place(report.target.address, report.target.port)
            if facts.channels:
                self.offsets.pop(where, None)
            else:
                self.offsets[where] = facts.offset

    def every(self) -> Iterable[HostTracker]:
        """All members, of all Services."""
        return (tracker for trackers in self.trackers.values() for _, tracker in trackers)

    def observed(self, target: Target) -> bool:
        """Whether a Service that lists it asks other observers before silence counts."""
        return any(health.spec.observers for health, _ in self.trackers[target])

    def outlook(self, watched: Iterable[Target]) -> Outlook:
        """The ready hosts among these targets, of Services that ask observers, and those on which we are outvoted."""
        ready, outvoted = set(), set()
        for target in watched:
            for health, tracker in self.trackers[target]:
                if health.spec.observers and tracker.ready:
                    ready.add(place(target.address, target.port))
                    if tracker.outvoted:
                        outvoted.add(place(target.address, target.port))
        return Outlook(frozenset(ready), frozenset(outvoted))

    def timings(self) -> dict[Target, ProbeTimings]:
        """All targets with their times. A quorum comes first: its votes decide about the claims of the hosts."""
        asked = {
            target: replace(_shortest(health.spec.check for health in healths), confirmations=1)
            for target, healths in self.quorums.items()
        }
        return asked | {
            target: _shortest(tracker.member.check for _, tracker in trackers)
            for target, trackers in self.trackers.items()
        }


def _shortest(checks: Iterable[Check]) -> ProbeTimings:
    """The shortest times of these checks, and the most confirmations that any of them needs."""
    every = [check.timings for check in checks]
    return ProbeTimings(
        period=min(one.period for one in every),
        edge=min(one.edge for one in every),
        login=min(one.login for one in every),
        confirmations=max(one.confirmations for one in every),
        login_stated=min(one.login_stated for one in every),
    )
