"""The health of every host of every Service, behind one lock: reports come from many threads."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from math import inf

from mooring.judge.assess import is_plain
from mooring.judge.batch import BatchBuilder, BatchResult
from mooring.judge.blind import Guard, weigh
from mooring.judge.changeovers import Changeovers
from mooring.judge.common_cause import CommonCauses
from mooring.judge.damping import Everywhere
from mooring.judge.index import TargetIndex
from mooring.judge.ledger import Ledger
from mooring.judge.members import Expanded
from mooring.judge.record import HostRecord
from mooring.judge.service import ServiceHealth
from mooring.judge.silence import SilentDemotions
from mooring.judge.view import ServiceView, View
from mooring.judge.votes import CountVotes, Silences
from mooring.model.damping import DemotionLimit
from mooring.model.events import BlindChanged
from mooring.model.objects import StoredAddresses
from mooring.model.probes import Report
from mooring.model.reasons import MEANINGS, Reason
from mooring.model.silence import ALONE, NO_OUTLOOK, Outlook, Sight
from mooring.model.spec import ProbeTimings, ServiceKey, ServiceSpec
from mooring.model.targets import Member, Target


class HealthStore:
    """Any thread may call any method; none waits for I/O. It returns what follows from a report; the caller acts."""

    def __init__(
        self, limit: DemotionLimit | None = None, count_votes: CountVotes = lambda _place, _silence: ALONE
    ) -> None:
        self._silences = Silences(count_votes)
        self._lock = threading.Lock()
        self._services: dict[ServiceKey, ServiceHealth] = {}
        self._guard = Guard()
        self._causes = CommonCauses()
        self._answered = -inf
        self._index = TargetIndex()
        self._changeovers = Changeovers(self._index, self._enter)
        self._everywhere = Everywhere(SilentDemotions(limit), self._index.ready_addresses)
        self._ledger = Ledger()

    def ports(self, key: ServiceKey) -> ServiceSpec | None:
        """The Service with the ports of its present members; None: it has no seed or no ports yet."""
        with self._lock:
            health = self._services.get(key)
            return health.spec if health and health.seeded and health.spec.ports else None

    def set_members(
        self,
        spec: ServiceSpec,
        expanded: Expanded,
        *,
        reloaded_at: float | None = None,
        pending: tuple[ServiceSpec, Expanded] | None = None,
    ) -> None:
        """Gives the Service these members; an address that it had before keeps its verdict.

        ``reloaded_at``: a changed file brought them then, in monotonic seconds; addresses that it replaces stay for a
        moment. ``pending``: the same with new ports, for which a host must answer there first.
        """
        with self._lock:
            health = self._services.setdefault(spec.key, ServiceHealth(spec))
            if pending is not None and health.seeded and health.spec.ports == pending[0].ports:
                (spec, expanded), pending = pending, None  # a host has answered there meanwhile
            self._changeovers.try_ports(spec.key, expanded, pending)
            self._changeovers.replace_members(health, spec, expanded, reloaded_at)
            self._forget_gone()

    def end_leaving(self, key: ServiceKey, now: float) -> bool:
        """Drops addresses whose stay has ended. Returns whether Mooring must stop probing a target."""
        with self._lock:
            ended = self._changeovers.end_leaving(self._services[key], now)
            self._forget_gone()
            return ended

    def drop(self, key: ServiceKey) -> None:
        """The file no longer lists the Service."""
        with self._lock:
            if key in self._services:
                self._index.leave(self._services.pop(key))
            self._changeovers.drop(key)
            self._forget_gone()

    def seed(self, key: ServiceKey, stored: StoredAddresses | None, at: float | None = None) -> None:
        """Takes what is stored for the verdict, the first time that it is called; from then on, outcomes count."""
        with self._lock:
            health = self._services[key]
            health.seed(stored, at)
            self._index.note_verdicts(health)

    def follow(self, key: ServiceKey, stored: StoredAddresses, at: float | None = None) -> None:
        """While another writes: a verdict that none of our outcomes has confirmed yet is what is stored now."""
        with self._lock:
            health = self._services[key]
            health.follow(stored, at)
            self._index.note_verdicts(health)

    def note_drained(self, key: ServiceKey, addresses: frozenset[str]) -> None:
        """People have taken these addresses out by hand: they serve nobody, however well they are."""
        with self._lock:
            if key in self._services:
                self._services[key].drained = addresses

    def take(self, reports: Iterable[Report]) -> BatchResult:
        """Weighs each report, and judges every member whose target it is about; a witness report is only weighed."""
        found = BatchBuilder()
        with self._lock:
            for report in reports:
                if self._silences.sights:
                    self._silences.note(report)
                if not self._absorb(report):
                    self._weigh(report, found)
        return found.build()

    def _absorb(self, report: Report) -> bool:
        """The fast path for a report that changes nothing but times. A thousand of them come in a second.

        Returns False, and changes nothing, for any other report.
        """
        guard, seen = self._guard, report.observation
        if guard.blind or guard.waiting or report.witness or not self._causes.quiet or not is_plain(seen):
            return False
        trackers = self._index.steady(report.target)
        if not trackers:
            return False
        for _, tracker in trackers:
            tracker.absorb(report)
        self._answered = max(self._answered, report.started)  # a steady host is ready
        if seen.facts is not None:
            self._index.note_offset(report)
        if report.ended > guard.answered_at:
            self._guard = Guard(answered_at=report.ended, blindness_ended_at=guard.blindness_ended_at)
        return True

    def _weigh(self, report: Report, found: BatchBuilder) -> None:
        if report.observation.reason is Reason.OK and report.target in self._index.ready:
            self._answered = max(self._answered, report.started)
        weighed = weigh(self._guard, report, self._index.ready)
        self._guard = weighed.guard
        found.ask |= weighed.ask
        if weighed.changed is not None:
            found.events.append(BlindChanged(weighed.changed, len(self._index.ready)))
        for delivered, blind in weighed.deliver:
            if blind:
                self._deliver(delivered, found, Reason.BLIND)
            else:
                self._rule(delivered, found)
        if report.witness:
            self._rule(report, found)

    def _rule(self, report: Report, found: BatchBuilder) -> None:
        """Delivers the reports that the rule of common causes lets through."""
        ruled = self._causes.take(report, self._index.ready)
        found.ask |= ruled.ask
        for delivered, common in ruled.deliver:
            self._deliver(delivered, found, Reason.COMMON_CAUSE if common else None)

    def _deliver(self, report: Report, found: BatchBuilder, unknown: Reason | None) -> None:
        for health in self._index.quorums.get(report.target, ()):
            found.probe_soon |= health.take_vote(report)
        self._index.note_offset(report)
        for health, tracker in tuple(self._index.trackers.get(report.target, ())):
            poll = self._silences.poll(report) if health.spec.observers else None
            result = health.take(tracker, report, self._index.offsets, unknown, poll)
            main = self._services.get(health.spec.key)
            if main is not health:
                if self._changeovers.note(main, health, tracker, result, found):
                    self._forget_gone()
                continue
            found.add(tracker, result)
            if result.moved:
                health.note_changes(result.moved, report)
                self._causes.note_left(report)
                if not tracker.ready and MEANINGS[report.observation.reason].silent:
                    self._everywhere.demotions.note(report.target.address, report.ended)
                self._index.note_verdicts(health)

    def service(self, key: ServiceKey) -> ServiceView:
        """One Service, as it is at one moment."""
        return self._view(self._services[key])

    def records(self, key: ServiceKey) -> Mapping[str, HostRecord]:
        """What each member of the Service has been through, by its address; empty where the Service is not kept."""
        with self._lock:
            health = self._services.get(key)
            return {address: tracker.record for address, tracker in health.trackers.items()} if health else {}

    def targets(self) -> Mapping[Target, float]:
        """All targets, each with the shortest period in seconds of the Services that list it."""
        return {target: timings.period for target, timings in self.timings().items()}

    def members(self, target: Target) -> tuple[Member, ...]:
        """Those that are judged by what this target says; not those that leave, or are tried at new ports."""
        with self._lock:
            judged = self._index.trackers.get(target, ())
            return tuple(one.member for health, one in judged if self._services.get(health.spec.key) is health)

    def timings(self) -> Mapping[Target, ProbeTimings]:
        """All targets, each with the shortest times of the Services that list it."""
        with self._lock:
            return self._index.timings()

    def all_probed(self) -> bool:
        """Every member has had an outcome."""
        with self._lock:
            return all(tracker.heard for tracker in self._index.every())

    def settled(self) -> bool:
        """Whether each member has had a definite verdict, or enough outcomes that decided nothing."""
        with self._lock:
            return all(tracker.settled for tracker in self._index.every())

    def undecided(self) -> View:
        """Members whose last outcome decides nothing yet, or that have had no definite verdict."""
        with self._lock:
            return tuple((one.member, one.state) for health in self._services.values() for one in health.undecided)

    def sights(self) -> Mapping[str, Sight]:
        """What this daemon sees of the hosts on whose silence observers are asked, by ``address:port``."""
        with self._lock:
            return self._silences.by_place()

    def outlook(self) -> Outlook:
        """The ready hosts on whose silence observers are asked, and those on which this daemon is outvoted."""
        with self._lock:
            return self._index.outlook(self._silences.sights) if self._silences.sights else NO_OUTLOOK

    def at(self, places: Collection[str]) -> tuple[Target, ...]:
        """The targets at these ``address:port`` on whose silence observers are asked."""
        with self._lock:
            return self._silences.at(places)

    def blind(self) -> bool:
        """Whether all ready hosts fell silent at once and nothing has answered since."""
        return self.sight()[0]

    def sight(self) -> tuple[bool, float]:
        """Whether Mooring is blind, and when the last probe began that a ready target answered (monotonic seconds)."""
        with self._lock:
            return self._guard.blind, self._answered

    def snapshot(self) -> tuple[ServiceView, ...]:
        """Every Service, each at a moment of its own: a look at ten thousand hosts must not keep a report waiting."""
        with self._lock:
            services = list(self._services.values())
        return tuple(map(self._view, services))

    def _view(self, health: ServiceHealth) -> ServiceView:
        with self._lock:
            return self._changeovers.view(health)

    def _enter(self, health: ServiceHealth) -> None:
        health.everywhere = self._everywhere
        self._index.enter(health)
        for tracker in health.trackers.values():
            self._causes.enter(tracker.member.target)
            self._silences.watch(tracker.member.target, watched=self._index.observed(tracker.member.target))
            self._ledger.enroll(tracker.record)

    def _forget_gone(self) -> None:
        """Forgets targets without a member. Runs last, so that a Service that takes its members anew loses nothing."""
        for target in self._index.purge():
            self._causes.leave(target)
            self._silences.watch(target, watched=False)
