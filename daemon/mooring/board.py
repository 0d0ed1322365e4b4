"""The latest verdict on every host of every Service, behind one lock.

Reports come from many threads. What follows from one is decided under the lock and returned; whoever brought it acts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mooring.decide.assess import Around
from mooring.decide.blind import Guard, weigh
from mooring.decide.names import Expanded
from mooring.decide.roster import Roster, Told
from mooring.decide.seat import Seat
from mooring.decide.select import Held
from mooring.events import BlindChanged, Event
from mooring.facts import place
from mooring.model import HostState, Member, Report, Target, Terms
from mooring.reasons import Reason
from mooring.spec import HostSpec, ServiceKey, ServiceSpec

View = tuple[tuple[Member, HostState], ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What follows from a report: what to tell, which Services to publish anew, which targets to ask as witnesses, and
    which before their turn.
    """

    events: tuple[Event, ...] = ()
    changed: frozenset[ServiceKey] = frozenset()
    ask: frozenset[Target] = frozenset()
    hasten: frozenset[Target] = frozenset()
    vacant: Mapping[ServiceKey, float] = field(default_factory=dict)
    """Services to publish anew in so many seconds, if that was not done before: a new writer may be there by then."""
    judged: tuple[tuple[Member, Reason], ...] = ()
    """What became of probes for members whose Services want more than an answer."""


@dataclass(slots=True)
class _Found:
    """What becomes of a ``Taken``."""

    events: list[Event] = field(default_factory=list)
    changed: set[ServiceKey] = field(default_factory=set)
    ask: frozenset[Target] = frozenset()
    hasten: set[Target] = field(default_factory=set)
    vacant: dict[ServiceKey, float] = field(default_factory=dict)
    judged: list[tuple[Member, Reason]] = field(default_factory=list)

    def add(self, seat: Seat, told: Told) -> None:
        key = seat.member.service
        if told.reason is not None and seat.member.selective:
            self.judged.append((seat.member, told.reason))
        self.events += told.events
        self.hasten |= told.hasten
        if told.vacant is not None:
            self.vacant[key] = told.vacant
        elif told.moved:
            self.changed.add(key)

    def taken(self) -> Taken:
        vacant = {key: seconds for key, seconds in self.vacant.items() if key not in self.changed}
        changed, hasten = frozenset(self.changed), frozenset(self.hasten)
        return Taken(tuple(self.events), changed, self.ask, hasten, vacant, tuple(self.judged))


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One Service as the board holds it now."""

    spec: ServiceSpec
    hosts: View
    unresolved: tuple[HostSpec, ...]
    seeded: bool
    split: bool = False
    """Several hosts claim to be its one writer."""


class Board:
    """Every method may be called from any thread, and none waits for the world."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rosters: dict[ServiceKey, Roster] = {}
        self._guard = Guard()
        self._seats: dict[Target, list[tuple[Roster, Seat]]] = {}
        self._electors: dict[Target, list[Roster]] = {}
        self._offsets: dict[str, int] = {}
        """How far each primary has come in its replication, in bytes, by its address and port."""
        self._ready: set[Target] = set()
        """Targets of members judged ready, in maintenance too: they can tell of the network all the same."""

    def set_members(self, spec: ServiceSpec, expanded: Expanded) -> None:
        """From now on the Service has these members; an address that it had before keeps its verdict."""
        with self._lock:
            roster = self._rosters.setdefault(spec.key, Roster(spec, around=Around(offsets=self._offsets)))
            self._leave(roster)
            roster.set_members(spec, expanded)
            self._enter(roster)

    def drop(self, key: ServiceKey) -> None:
        """The Service is in the file no more."""
        with self._lock:
            if key in self._rosters:
                self._leave(self._rosters.pop(key))

    def seed(self, key: ServiceKey, stored: Held | None, at: float | None = None) -> None:
        """Takes what is stored for the verdict, the first time that it is called; from then on, outcomes count."""
        with self._lock:
            roster = self._rosters[key]
            roster.seed(stored, at)
            self._note_verdicts(roster)

    def follow(self, key: ServiceKey, stored: Held, at: float | None = None) -> None:
        """While another writes: a verdict that none of our outcomes has borne out yet is what is stored now."""
        with self._lock:
            roster = self._rosters[key]
            roster.follow(stored, at)
            self._note_verdicts(roster)

    def take(self, reports: Iterable[Report]) -> Taken:
        """Weighs each report, and judges every member whose target it is about; a witness report is only weighed."""
        found = _Found()
        with self._lock:
            for report in reports:
                if not self._repeats(report):
                    self._weigh(report, found)
        return found.taken()

    def _weigh(self, report: Report, found: _Found) -> None:
        weighed = weigh(self._guard, report, self._ready)
        self._guard = weighed.guard
        found.ask |= weighed.ask
        if weighed.changed is not None:
            found.events.append(BlindChanged(weighed.changed, len(self._ready)))
        for delivered, blind in weighed.deliver:
            self._deliver(delivered, found, blind=blind)

    def _repeats(self, report: Report) -> bool:
        """Whether the report says of every host what it said before, and of the network nothing new."""
        guard = self._guard
        if guard.blind or guard.waiting or report.witness or report.target in self._electors:
            return False
        for _, seat in self._seats.get(report.target, ()):
            if not seat.repeats(report):
                return False
        if report.ended > guard.answered_at:
            self._guard = Guard(answered_at=report.ended, sighted_at=guard.sighted_at)
        return True

    def _deliver(self, report: Report, found: _Found, *, blind: bool) -> None:
        for roster in self._electors.get(report.target, ()):
            found.hasten |= roster.hear(report)
        self._note_offset(report)
        for roster, seat in self._seats.get(report.target, ()):
            told = roster.take(seat, report, blind=blind)
            found.add(seat, told)
            for event in told.moved:
                roster.changed_at, roster.evidence = report.ended, report.at - (event.seconds or 0.0)
            if told.moved:
                self._note_verdicts(roster)

    def _note_offset(self, report: Report) -> None:
        facts = report.observation.facts
        if facts is not None and facts.offset is not None:
            where = place(report.target.address, report.target.port)
            if facts.channels:
                self._offsets.pop(where, None)
            else:
                self._offsets[where] = facts.offset

    def view(self, key: ServiceKey) -> View:
        with self._lock:
            return _view(self._rosters[key])

    def unresolved(self, key: ServiceKey) -> tuple[HostSpec, ...]:
        """Listed hosts that stand for no address now."""
        with self._lock:
            return self._rosters[key].unresolved

    def waiting(self, key: ServiceKey) -> bool:
        """A name of the Service has not been resolved even once."""
        with self._lock:
            return self._rosters[key].waiting

    def changed_at(self, key: ServiceKey) -> float | None:
        """When, in monotonic seconds, a verdict of the Service last changed; None before the first time."""
        with self._lock:
            return self._rosters[key].changed_at

    def evidence(self, key: ServiceKey) -> float | None:
        """When, in Unix seconds, the first sign was seen of the verdict that changed last."""
        with self._lock:
            return self._rosters[key].evidence

    def targets(self) -> Mapping[Target, float]:
        """All that is to be probed, and the shortest period in seconds that a Service asks for."""
        with self._lock:
            return {target: terms.period for target, terms in self._terms().items()}

    def terms(self) -> Mapping[Target, Terms]:
        """As ``targets``, with all times: each the shortest that a Service asks for."""
        with self._lock:
            return self._terms()

    def _terms(self) -> dict[Target, Terms]:
        found = {target: _shortest([seat.member for _, seat in seats]) for target, seats in self._seats.items()}
        for target, rosters in self._electors.items():
            check = min((roster.spec.check for roster in rosters), key=lambda one: one.period)
            found.setdefault(target, Terms(check.period, check.edge, check.login, confirmations=1))
        return found

    def all_probed(self) -> bool:
        """Every member has had an outcome."""
        with self._lock:
            return all(seat.state.outcome for seats in self._seats.values() for _, seat in seats)

    def settled(self) -> bool:
        """Every member has had a verdict with nothing against it, or ``failureThreshold`` unknown outcomes in a row."""
        with self._lock:
            return all(seat.settled for seats in self._seats.values() for _, seat in seats)

    def blind(self) -> bool:
        """All ready hosts fell silent at once, and nothing answers since."""
        with self._lock:
            return self._guard.blind

    def snapshot(self) -> tuple[ServiceView, ...]:
        with self._lock:
            rosters = self._rosters.values()
            return tuple(
                ServiceView(one.spec, _view(one), one.unresolved, one.seeded, bool(one.split)) for one in rosters
            )

    def _enter(self, roster: Roster) -> None:
        for seat in roster.seats.values():
            self._seats.setdefault(seat.member.target, []).append((roster, seat))
        for target in roster.words:
            self._electors.setdefault(target, []).append(roster)
        self._note_verdicts(roster)

    def _leave(self, roster: Roster) -> None:
        for target in {seat.member.target for seat in roster.seats.values()}:
            self._seats[target] = [one for one in self._seats[target] if one[0] is not roster]
            self._note_verdict(target)
        for target in roster.words:
            self._electors[target] = [one for one in self._electors[target] if one is not roster]
            if not self._electors[target]:
                del self._electors[target]

    def _note_verdicts(self, roster: Roster) -> None:
        for seat in roster.seats.values():
            self._note_verdict(seat.member.target)

    def _note_verdict(self, target: Target) -> None:
        seats = self._seats[target]
        if any(seat.ready for _, seat in seats):
            self._ready.add(target)
        else:
            self._ready.discard(target)
        if not seats:
            del self._seats[target]
            self._offsets.pop(place(target.address, target.port), None)


def _shortest(members: list[Member]) -> Terms:
    return Terms(
        period=min(member.period for member in members),
        edge=min(member.edge for member in members),
        login=min(member.login for member in members),
        confirmations=max(member.thresholds.failure for member in members),
    )


def _view(roster: Roster) -> View:
    return tuple((seat.member, seat.state) for seat in roster.seats.values())
