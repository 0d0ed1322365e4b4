"""One Service: its members, what an outcome does to them, and, where it wants a primary, which of them that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mooring.decide.assess import Around, assess
from mooring.decide.claims import Claimant, Ruled, Ruling, elected, is_stale, rule
from mooring.decide.names import Expanded
from mooring.decide.seat import Seat, seat_for
from mooring.decide.select import Held
from mooring.decide.verdict import seed
from mooring.events import Event, HostChanged, SplitBrain, SplitBrainEnded
from mooring.facts import place
from mooring.model import Outcome, Report, Target, Verdict
from mooring.reasons import Effect, Reason
from mooring.spec import Electors, HostSpec, OnSplitBrain, Role, ServiceSpec, WhenSaturated

MOST_VACANT_SECONDS = 0.5
"""For how long at most the write waits that takes a writer out by its own word, and nobody in. Two writes in a row cost
more: kube-proxy takes up the second one a second later (``minSyncPeriod``)."""
_PLAIN = Outcome(Reason.OK)


@dataclass(slots=True)
class Told:
    """What one report has done to a Service, and which targets it would be good to ask soon."""

    events: list[Event] = field(default_factory=list)
    hasten: set[Target] = field(default_factory=set)
    reason: Reason | None = None
    """Of the outcome, as it was judged."""
    vacant: float | None = None
    """The writer has said itself that it is it no more: a successor shows within these seconds, if it is there."""

    @property
    def moved(self) -> list[HostChanged]:
        return [event for event in self.events if isinstance(event, HostChanged)]


@dataclass(slots=True)
class Roster:
    """Times are monotonic seconds, ``at`` and ``evidence`` Unix seconds."""

    spec: ServiceSpec
    seats: dict[str, Seat] = field(default_factory=dict)
    unresolved: tuple[HostSpec, ...] = ()
    waiting: bool = False
    seeded: bool = False
    seeds: dict[str, Verdict] = field(default_factory=dict)
    """Stored verdicts of addresses that no member has had yet: their names are not resolved."""
    changed_at: float | None = None
    evidence: float | None = None
    around: Around = field(default_factory=Around)
    words: dict[Target, str | None] = field(default_factory=dict)
    """Whom each of the Electors names; None: it says nothing."""
    reigns: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """What each writer had when it was last heard as such, by address."""
    last: str = ""
    """The address of the last writer."""
    doubted: frozenset[str] = frozenset()
    """Addresses of those that claimed to be the one writer before another did, and were not heard since."""
    split: tuple[str, ...] = ()
    """Who claims to be the one writer, while that are several."""

    @property
    def single(self) -> bool:
        """At most one member may be ready."""
        return self.spec.check.requirement.role is Role.PRIMARY

    def set_members(self, spec: ServiceSpec, expanded: Expanded) -> None:
        """From now on the Service has these members; an address that it had before keeps its verdict."""
        before = self.seats
        self.spec, self.unresolved, self.waiting = spec, expanded.unresolved, expanded.waiting
        self.seats = {member.address: seat_for(member, before.get(member.address)) for member in expanded.members}
        if self.waiting:
            gone = before.keys() - self.seats.keys()
            self.seeds |= {address: before[address].state.verdict for address in gone}
        for address in self.seats.keys() - before.keys():
            self._plant(self.seats[address], None)
        self._forget_seeds()
        self._know_names()
        self._only_one()

    def _know_names(self) -> None:
        names = frozenset[str]().union(*map(_names, self.seats.values()))
        self.around = replace(self.around, names=names, identities=frozenset())
        electors = self.spec.check.electors
        asked = [] if electors is None else _targets(electors, self.spec.check.timeout)
        self.words = {target: self.words.get(target) for target in asked}

    def seed(self, stored: Held | None, at: float | None) -> None:
        """Takes what is stored for the verdict, the first time that it is called; from then on, outcomes count."""
        if self.seeded:
            return
        self.seeded = True
        if stored is not None:
            self.seeds = verdicts(stored)
        for seat in self.seats.values():
            self._plant(seat, at)
        self._forget_seeds()
        self._only_one()

    def follow(self, stored: Held, at: float | None) -> None:
        """While another writes: a verdict that none of our outcomes has borne out yet is what is stored now."""
        now = verdicts(stored)
        for seat in self.seats.values():
            found = next((now[address] for address in seat.member.addresses if address in now), None)
            if found is not None and found is not seat.state.verdict and not seat.own:
                seat.state = seed(seat.state, found, at)
        self._only_one()

    def _plant(self, seat: Seat, at: float | None) -> None:
        found = [self.seeds.pop(address, None) for address in seat.member.addresses]
        verdict = next((one for one in found if one is not None), None)
        if verdict is not None:
            seat.state = seed(seat.state, verdict, at)

    def _forget_seeds(self) -> None:
        """Once every name was resolved, an address that comes later was not left by us."""
        if not self.waiting:
            self.seeds.clear()

    def _only_one(self) -> None:
        """Of several writers that were found none is believed, but one that has told us: the others must, first."""
        ready = [seat for seat in self.seats.values() if seat.ready]
        if self.single and len(ready) > 1:
            told = [seat for seat in ready if seat.own]
            for seat in ready:
                if len(told) != 1 or seat is not told[0]:
                    seat.state = replace(seat.state, verdict=Verdict.NOT_READY, streak=0)

    def hear(self, report: Report) -> set[Target]:
        """An Elector was asked. Where the majority has changed its mind, all hosts should be asked soon."""
        before = elected(list(self.words.values()))
        self.words[report.target] = report.observation.answer if report.observation.reason is Reason.OK else None
        changed = elected(list(self.words.values())) != before
        return {seat.member.target for seat in self.seats.values()} if changed else set()

    def take(self, seat: Seat, report: Report, *, blind: bool) -> Told:
        """Judges a member whose target was probed."""
        outcome = Outcome(Reason.BLIND) if blind else self._assess(seat, report)
        if outcome == _PLAIN and (not self.single or self._goes_on(seat, report)) and seat.repeat(report):
            return Told(reason=Reason.OK)
        told = self._contest(seat, report, outcome) if self.single else self._plainly(seat, report, outcome)
        if told.moved and outcome.effect is Effect.DECIDES and len(self.seats) > 1:
            told.vacant = min(MOST_VACANT_SECONDS, (seat.member.thresholds.success + 1) * seat.member.edge)
        return told

    def _plainly(self, seat: Seat, report: Report, outcome: Outcome) -> Told:
        return Told(list(seat.take(report, outcome, seeded=self.seeded)), reason=outcome.reason)

    def _contest(self, seat: Seat, report: Report, outcome: Outcome) -> Told:
        """Where one member may be ready, what one says concerns the others."""
        known = self._all_heard()
        seat.hear(outcome, report.observation.facts)
        conflict = self._conflict(seat)
        ruled = self._ruled(seat) if outcome.effect is Effect.SUCCESS else None
        told = self._enact(seat, report, outcome, ruled)
        told.events += conflict
        if told.moved or (not known and self._all_heard()):
            told.hasten |= {one.member.target for one in self.seats.values() if not one.ready}
        told.hasten |= {self.seats[address].member.target for address in self.doubted}
        return told

    def _goes_on(self, seat: Seat, report: Report) -> bool:
        """It was the writer, and it still is, whatever the others say."""
        if not (seat.ready and seat.claiming and self._trusts_incumbent()) or self.doubted or self.split:
            return False
        seat.facts = report.observation.facts or seat.facts
        self._reign(seat, report)
        return True

    def _trusts_incumbent(self) -> bool:
        return not self.words and self.spec.on_split_brain is OnSplitBrain.KEEP_INCUMBENT

    def _assess(self, seat: Seat, report: Report) -> Outcome:
        seen = report.observation
        identity = seen.facts.identity if seen.facts else ""
        if identity and identity not in self.around.identities:
            self.around = replace(self.around, identities=self.around.identities | {identity})
        keeps = seen.held and not self._relieved(seat)
        return assess(seen, seat.member, self.around, seat.judged, keeps=keeps)

    def _relieved(self, seat: Seat) -> bool:
        """A saturated host may go: the Service asks for that, or another host is ready and takes logins."""
        if seat.member.when_saturated is WhenSaturated.FAIL:
            return True
        others = (other for other in self.seats.values() if other is not seat and not other.member.maintenance)
        return any(other.ready and not other.saturated for other in others)

    def _all_heard(self) -> bool:
        return all(seat.heard for seat in self.seats.values())

    def _ruled(self, seat: Seat) -> Ruled:
        if seat.ready and self._trusts_incumbent():
            return Ruled(Ruling.ADMITTED)
        before = next(one for one in self.seats.values() if one is seat or (one.claims and not one.member.maintenance))
        named = elected(list(self.words.values())) if self.words else None
        ruled = rule(
            _claimant(seat),
            [_claimant(one) for one in self.seats.values() if one is not seat and not one.member.maintenance],
            first=before is seat,
            several=seat.several,
            stale=self._is_stale(seat),
            policy=self.spec.on_split_brain,
            named=named,
            elected=bool(named) and named in _names(seat),
        )
        if ruled.ruling is Ruling.RIVALS and not self.split:
            return Ruled(Ruling.ADMITTED) if seat.ready else Ruled(Ruling.WAITS, ruled.other)
        return ruled

    def _is_stale(self, seat: Seat) -> bool:
        lost = self.reigns.get(seat.member.address)
        now, latest = seat.facts.history if seat.facts else None, self.reigns.get(self.last)
        if lost is None or now is None or latest is None or self.last == seat.member.address:
            return False
        return is_stale(now, lost, latest)

    def _enact(self, seat: Seat, report: Report, outcome: Outcome, ruled: Ruled | None) -> Told:
        admitted = ruled is not None and ruled.ruling is Ruling.ADMITTED
        waits = ruled is not None and ruled.ruling is Ruling.WAITS
        if ruled is not None and not admitted:
            outcome = _outcome(ruled, self.last)
        taken = seat.take(report, outcome, seeded=self.seeded and not waits, urgent=admitted)
        told = Told(list(taken), reason=outcome.reason)
        if admitted and seat.ready:
            told.events[:0] = self._reign(seat, report)
        elif admitted and self.seeded:
            told.hasten.add(seat.member.target)
        return told

    def _reign(self, seat: Seat, report: Report) -> list[HostChanged]:
        """It is the writer, and no other is."""
        self.last = seat.member.address
        if seat.facts is not None and seat.facts.history is not None:
            self.reigns[self.last] = seat.facts.history
        others = [other for other in self.seats.values() if other is not seat and other.ready]
        return [other.yield_to(seat.member.host, report.at) for other in others]

    def _conflict(self, heard: Seat) -> list[Event]:
        """Two claims are a conflict once who claimed first has said so again: it may have handed on meanwhile."""
        claiming = {
            one.member.address: one.member.host for one in self.seats.values() if one.claiming and not one.several
        }
        others = claiming.keys() - {heard.member.address}
        if len(claiming) < 2:  # noqa: PLR2004 -- a conflict takes two
            self.doubted = frozenset()
        elif not self.split:
            self.doubted = (self.doubted & others) if self.doubted else frozenset(others)
        now = tuple(claiming.values()) if len(claiming) > 1 and (self.split or not self.doubted) else ()
        if bool(now) == bool(self.split):
            return []
        self.split = now
        return [SplitBrain(self.spec.key, now) if now else SplitBrainEnded(self.spec.key)]


def _targets(electors: Electors, timeout: float) -> list[Target]:
    return [Target(electors.protocol, host, port, timeout, electors.options) for host, port in electors.hosts]


def _claimant(seat: Seat) -> Claimant:
    lost = seat.unknowns >= seat.member.thresholds.failure
    return Claimant(seat.member.host, seat.ready, seat.claims, seat.claiming, seat.heard, lost)


def _names(seat: Seat) -> set[str]:
    """What other hosts may call it."""
    member = seat.member
    return {place(name, member.target.port) for name in (member.host, member.target.address, *member.addresses)}


def _outcome(ruled: Ruled, last: str) -> Outcome:
    other = ruled.other
    said = {
        Ruling.WAITS: (Reason.OK, f"says that it is the primary; waits for {other}"),
        Ruling.RIVALS: (Reason.SECOND_WRITER, f"says that it is the primary, and so does {other}"),
        Ruling.STANDBY: (Reason.WRONG_ROLE, f"stands by: {other} takes the writes"),
        Ruling.STALE: (Reason.SECOND_WRITER, f"was the primary once, and has nothing of what {last} wrote since"),
        Ruling.NAMED_ELSE: (Reason.WRONG_ROLE, f"says that it is the primary, but the Sentinels name {other}"),
    }
    return Outcome(*said[ruled.ruling])


def verdicts(stored: Held) -> dict[str, Verdict]:
    """What is stored, by address."""
    return dict.fromkeys(stored.not_ready, Verdict.NOT_READY) | dict.fromkeys(stored.ready, Verdict.READY)
