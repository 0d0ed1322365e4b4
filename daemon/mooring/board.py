"""The latest verdict on every host of every Service, behind one lock.

Reports come from many threads. What follows from one is decided under the lock and returned; whoever brought it acts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mooring.decide.assess import assess
from mooring.decide.blind import Guard, weigh
from mooring.decide.names import Expanded
from mooring.decide.seat import Seat, SeatEvent, seat_for
from mooring.decide.select import Held
from mooring.decide.verdict import seed
from mooring.events import BlindChanged, Event, HostChanged
from mooring.model import HostState, Member, Outcome, Report, Target, Terms, Verdict
from mooring.reasons import Reason
from mooring.spec import HostSpec, ServiceKey, ServiceSpec, WhenSaturated

View = tuple[tuple[Member, HostState], ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What follows from a report: what to tell, which Services to publish anew, which targets to ask as witnesses."""

    events: tuple[Event, ...] = ()
    changed: frozenset[ServiceKey] = frozenset()
    ask: frozenset[Target] = frozenset()


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One Service as the board holds it now."""

    spec: ServiceSpec
    hosts: View
    unresolved: tuple[HostSpec, ...]
    seeded: bool


@dataclass(slots=True)
class _Service:
    spec: ServiceSpec
    seats: dict[str, Seat] = field(default_factory=dict)
    unresolved: tuple[HostSpec, ...] = ()
    waiting: bool = False
    seeded: bool = False
    seeds: dict[str, Verdict] = field(default_factory=dict)
    """Stored verdicts of addresses that no member has had yet: their names are not resolved."""
    changed_at: float | None = None
    evidence: float | None = None

    def plant(self, seat: Seat, at: float | None) -> None:
        found = [self.seeds.pop(address, None) for address in seat.member.addresses]
        verdict = next((one for one in found if one is not None), None)
        if verdict is not None:
            seat.state = seed(seat.state, verdict, at)


class Board:
    """Every method may be called from any thread, and none waits for the world."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._services: dict[ServiceKey, _Service] = {}
        self._guard = Guard()
        self._seats: dict[Target, list[Seat]] = {}
        self._ready: frozenset[Target] = frozenset()
        """Targets of members judged ready, in maintenance too: they can tell of the network all the same."""

    def set_members(self, spec: ServiceSpec, expanded: Expanded) -> None:
        """From now on the Service has these members; an address that it had before keeps its verdict."""
        with self._lock:
            service = self._services.setdefault(spec.key, _Service(spec))
            before = service.seats
            service.spec, service.unresolved, service.waiting = spec, expanded.unresolved, expanded.waiting
            service.seats = {
                member.address: seat_for(member, before.get(member.address)) for member in expanded.members
            }
            if service.waiting:
                gone = before.keys() - service.seats.keys()
                service.seeds |= {address: before[address].state.verdict for address in gone}
            for address in service.seats.keys() - before.keys():
                service.plant(service.seats[address], None)
            self._forget_seeds(service)
            self._index()

    def drop(self, key: ServiceKey) -> None:
        """The Service is in the file no more."""
        with self._lock:
            self._services.pop(key, None)
            self._index()

    def seed(self, key: ServiceKey, stored: Held | None, at: float | None = None) -> None:
        """Takes what is stored for the verdict, the first time that it is called; from then on, outcomes count."""
        with self._lock:
            service = self._services[key]
            if service.seeded:
                return
            service.seeded = True
            if stored is not None:
                service.seeds = _verdicts(stored)
            for seat in service.seats.values():
                service.plant(seat, at)
            self._forget_seeds(service)
            self._index()

    def follow(self, key: ServiceKey, stored: Held, at: float | None = None) -> None:
        """While another writes: a verdict that none of our outcomes has borne out yet is what is stored now."""
        now = _verdicts(stored)
        with self._lock:
            for seat in self._services[key].seats.values():
                found = next((now[address] for address in seat.member.addresses if address in now), None)
                if found is not None and found is not seat.state.verdict and not seat.own:
                    seat.state = seed(seat.state, found, at)
            self._index()

    def take(self, reports: Iterable[Report]) -> Taken:
        """Weighs each report, and judges every member whose target it is about; a witness report is only weighed."""
        events: list[Event] = []
        changed: set[ServiceKey] = set()
        ask: set[Target] = set()
        with self._lock:
            for report in reports:
                if not self._repeats(report):
                    weighed = weigh(self._guard, report, self._ready)
                    self._guard = weighed.guard
                    ask |= weighed.ask
                    if weighed.changed is not None:
                        events.append(BlindChanged(weighed.changed, len(self._ready)))
                    for delivered, blind in weighed.deliver:
                        self._deliver(delivered, events, changed, blind=blind)
        return Taken(tuple(events), frozenset(changed), frozenset(ask))

    def _repeats(self, report: Report) -> bool:
        """Whether the report says of every host what it said before, and of the network nothing new."""
        guard = self._guard
        if guard.blind or guard.waiting or report.witness:
            return False
        for seat in self._seats.get(report.target, ()):
            if not seat.repeats(report):
                return False
        if report.ended > guard.answered_at:
            self._guard = Guard(answered_at=report.ended, sighted_at=guard.sighted_at)
        return True

    def _deliver(self, report: Report, events: list[Event], changed: set[ServiceKey], *, blind: bool) -> None:
        for seat in self._seats.get(report.target, ()):
            told = self._judge(seat, report, blind=blind)
            events += told
            for event in told:
                if isinstance(event, HostChanged):
                    changed.add(event.member.service)
                    service = self._services[event.member.service]
                    service.changed_at, service.evidence = report.ended, report.at - (event.seconds or 0.0)

    def view(self, key: ServiceKey) -> View:
        with self._lock:
            return _view(self._services[key])

    def unresolved(self, key: ServiceKey) -> tuple[HostSpec, ...]:
        """Listed hosts that stand for no address now."""
        with self._lock:
            return self._services[key].unresolved

    def waiting(self, key: ServiceKey) -> bool:
        """A name of the Service has not been resolved even once."""
        with self._lock:
            return self._services[key].waiting

    def changed_at(self, key: ServiceKey) -> float | None:
        """When, in monotonic seconds, a verdict of the Service last changed; None before the first time."""
        with self._lock:
            return self._services[key].changed_at

    def evidence(self, key: ServiceKey) -> float | None:
        """When, in Unix seconds, the first sign was seen of the verdict that changed last."""
        with self._lock:
            return self._services[key].evidence

    def targets(self) -> Mapping[Target, float]:
        """All that is to be probed, and the shortest period in seconds that a Service asks for."""
        with self._lock:
            return {target: min(seat.member.period for seat in seats) for target, seats in self._seats.items()}

    def terms(self) -> Mapping[Target, Terms]:
        """As ``targets``, with all times: each the shortest that a Service asks for."""
        with self._lock:
            return {target: _terms([seat.member for seat in seats]) for target, seats in self._seats.items()}

    def all_probed(self) -> bool:
        """Every member has had an outcome."""
        with self._lock:
            return all(seat.state.outcome for seats in self._seats.values() for seat in seats)

    def settled(self) -> bool:
        """Every member has had a verdict with nothing against it, or ``failureThreshold`` unknown outcomes in a row."""
        with self._lock:
            return all(seat.settled for seats in self._seats.values() for seat in seats)

    def blind(self) -> bool:
        """All ready hosts fell silent at once, and nothing answers since."""
        with self._lock:
            return self._guard.blind

    def snapshot(self) -> tuple[ServiceView, ...]:
        with self._lock:
            services = self._services.values()
            return tuple(ServiceView(one.spec, _view(one), one.unresolved, one.seeded) for one in services)

    def _judge(self, seat: Seat, report: Report, *, blind: bool) -> tuple[SeatEvent, ...]:
        service = self._services[seat.member.service]
        seen = report.observation
        keeps = seen.held and not _relieved(service, seat)
        outcome = Outcome(Reason.BLIND) if blind else assess(seen, seat.member, keeps=keeps)
        told = seat.take(report, outcome, seeded=service.seeded)
        if any(isinstance(event, HostChanged) for event in told):
            self._note_verdict(seat.member.target)
        return told

    def _note_verdict(self, target: Target) -> None:
        if any(seat.state.verdict is Verdict.READY for seat in self._seats[target]):
            self._ready |= {target}
        else:
            self._ready -= {target}

    def _index(self) -> None:
        self._seats = {}
        for service in self._services.values():
            for seat in service.seats.values():
                self._seats.setdefault(seat.member.target, []).append(seat)
        every = (seat for seats in self._seats.values() for seat in seats)
        self._ready = frozenset(seat.member.target for seat in every if seat.state.verdict is Verdict.READY)

    @staticmethod
    def _forget_seeds(service: _Service) -> None:
        """Once every name was resolved, an address that comes later was not left by us."""
        if not service.waiting:
            service.seeds.clear()


def _terms(members: list[Member]) -> Terms:
    return Terms(
        period=min(member.period for member in members),
        edge=min(member.edge for member in members),
        login=min(member.login for member in members),
        confirmations=max(member.thresholds.failure for member in members),
    )


def _relieved(service: _Service, seat: Seat) -> bool:
    """A saturated host may go: the Service asks for that, or another host is ready and takes logins."""
    if seat.member.when_saturated is WhenSaturated.FAIL:
        return True
    others = (other for other in service.seats.values() if other is not seat and not other.member.maintenance)
    return any(other.state.verdict is Verdict.READY and not _saturated(other) for other in others)


def _saturated(seat: Seat) -> bool:
    return seat.state.outcome is not None and seat.state.outcome.reason is Reason.SATURATED


def _view(service: _Service) -> View:
    return tuple((seat.member, seat.state) for seat in service.seats.values())


def _verdicts(stored: Held) -> dict[str, Verdict]:
    return dict.fromkeys(stored.not_ready, Verdict.NOT_READY) | dict.fromkeys(stored.ready, Verdict.READY)
