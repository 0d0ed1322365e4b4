"""One member of a Service: which outcomes count for it, and what they do to its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mooring.decide.verdict import hear, judge
from mooring.events import HostChanged, HostKnown, HostUnknown
from mooring.facts import Facts
from mooring.model import HostState, Member, Outcome, Report, Transition, Verdict
from mooring.reasons import Effect, Reason
from mooring.spec import Role

SLACK = 0.1
"""Part of its period by which a probe may come early and still count: schedules jitter."""

SeatEvent = HostChanged | HostUnknown | HostKnown


@dataclass(slots=True)
class Seat:
    """What is held of the member, and when outcomes were last taken; all times but display's are monotonic seconds."""

    member: Member
    _state: HostState = field(default_factory=HostState)
    _repeated: Report | None = None
    """The last success of a host that had nothing but these: its times are not in the state yet."""
    _calm: bool = False
    """Ready, and the last outcome was a success like any other."""
    turn: float | None = None
    """The start of the period that the last counted outcome belongs to."""
    counted_from: float | None = None
    """When the last probe began that counted."""
    edge_at: float | None = None
    """When the last probe began that counted without being due."""
    doubted_at: float = 0.0
    """When the first probe of the present streak began."""
    unknowns: int = 0
    facts: Facts | None = None
    """The last that it said of its role."""
    settled: bool = False
    """It has had a verdict with nothing against it, or ``failureThreshold`` unknown outcomes in a row."""
    claims: bool = False
    """It says that it is the primary and is fit for it, or said so before a few probes that told nothing."""
    misses: int = 0
    """Probes in a row that told nothing of that."""
    own: bool = False
    """An outcome that counted has made the verdict, or agreed with it; until then it is what was found stored."""

    @property
    def state(self) -> HostState:
        last, self._repeated = self._repeated, None
        if last is not None:
            self._state = replace(
                self._state,
                counted_at=last.ended,
                probed_at=last.at,
                latency=last.latency,
                facts=last.observation.facts,
            )
        return self._state

    @state.setter
    def state(self, state: HostState) -> None:
        self._state, self._repeated, self._calm = state, None, False

    def repeats(self, report: Report) -> bool:
        """Whether the report is one more success of a host that has no others, and of which nothing but an answer is
        wanted. It is taken then: the usual case, and a thousand of them come in a second.
        """
        seen, wanted = report.observation, self.member.requirement
        if seen.reason is not Reason.OK or seen.message or wanted.role is not Role.ANY:
            return False
        return self.repeat(report)

    def repeat(self, report: Report) -> bool:
        """Takes one more plain success of a host that has no others; False: it is not such a host."""
        if self._calm and self._is_due(report.started):
            self._take_turn(report.started)
            self._repeated = report
        return self._calm

    @property
    def judged(self) -> HostState:
        """The state, but for the times of a success that changed nothing else: it costs nothing."""
        return self._state

    @property
    def ready(self) -> bool:
        return self._state.verdict is Verdict.READY

    @property
    def heard(self) -> bool:
        """Some outcome is known, whatever it is."""
        return self._state.outcome is not None

    @property
    def saturated(self) -> bool:
        return self._state.outcome is not None and self._state.outcome.reason is Reason.SATURATED

    @property
    def claiming(self) -> bool:
        """It said with its last probe that it is the primary."""
        return self.claims and self.misses == 0

    @property
    def several(self) -> bool:
        """By its own word, it is one of several that may take writes at once."""
        return self.facts is not None and self.facts.group is not None and self.facts.group.several

    def hear(self, outcome: Outcome, facts: Facts | None) -> None:
        """What it says of being the primary; ``outcome`` is what it would be if it were alone."""
        self.facts = facts or self.facts
        if outcome.effect is Effect.SUCCESS:
            self.claims, self.misses = True, 0
        else:
            self.misses += 1
            lasts = outcome.effect is not Effect.DECIDES and self.misses < self.member.thresholds.failure
            self.claims = self.claims and lasts

    def yield_to(self, other: str, at: float) -> HostChanged:
        """Another is the writer now, and nothing can be known of this one."""
        before = self.state
        said = replace(before.outcome or Outcome(Reason.LOCAL), message=f"yields to {other}, which is the primary")
        self.state = replace(before, verdict=Verdict.NOT_READY, streak=0, since=at, outcome=said)
        return HostChanged(self.member, self.state, before.verdict, self.misses)

    def take(self, report: Report, outcome: Outcome, *, seeded: bool, urgent: bool = False) -> tuple[SeatEvent, ...]:
        """Takes the outcome, if it counts now, and says what is news of it. Before the seed it is only noted.

        ``urgent``: a Service without a writer waits for this one; what was asked before its turn counts then.
        """
        counts = outcome.effect in (Effect.SUCCESS, Effect.FAILURE)
        if seeded and counts and not self._counts(report, outcome, urgent=urgent):
            return ()
        before, transition, seen = self.state, Transition.UNCHANGED, report.observation
        facts = {"probed_at": report.at, "latency": report.latency, "facts": seen.facts}
        if seeded:
            self.state, transition = judge(before, outcome, self.member.thresholds, report.ended, report.at, **facts)
            self.own = self.own or (counts and self._state.streak == 0)
        else:
            self.state = hear(before, outcome, **facts)
        self._settle(outcome)
        if transition is not Transition.UNCHANGED and before.streak == 0:
            self.doubted_at = report.started
        self._calm = seeded and self._is_calm(outcome)
        if transition is Transition.CHANGED:
            return (self._changed(before, report.ended),)
        return self._told(before, outcome)

    def _is_calm(self, outcome: Outcome) -> bool:
        held = self._state
        good = outcome.effect is Effect.SUCCESS and held.verdict is Verdict.READY
        return good and held.streak == 0 and self.member.expect is None

    def _counts(self, report: Report, outcome: Outcome, *, urgent: bool) -> bool:
        """At most one outcome counts for each period, besides failures that confirm a loss: in their own time.

        So do claims that are waited for, an edge after whatever counted before. What speaks for the verdict counts
        whenever it comes: what contradicted before it is no streak any more.
        """
        due, edge = self._is_due(report.started), (1 - SLACK) * self.member.edge
        if report.edge and outcome.effect is Effect.FAILURE:
            due = due or self.edge_at is None or report.started >= self.edge_at + edge
            self.edge_at = report.started if due else self.edge_at
        elif report.hastened and urgent:
            due = due or self.counted_from is None or report.started >= self.counted_from + edge
        if due or self._state.verdict is (Verdict.READY if outcome.effect is Effect.SUCCESS else Verdict.NOT_READY):
            self._take_turn(report.started)
            self.counted_from = report.started
            return True
        return False

    def _is_due(self, started: float) -> bool:
        return self.turn is None or started >= self.turn + (1 - SLACK) * self.member.period

    def _take_turn(self, started: float) -> None:
        """Turns follow each other by a period, so that one late probe does not cost the next one its turn; and none is
        after its probe, for else those that come a little early would add up until one is lost.
        """
        period = self.member.period
        if self.turn is None or started >= self.turn + 2 * period:
            self.turn = started
        elif self._is_due(started):
            self.turn = max(min(self.turn + period, started), started - period / 2)

    def _settle(self, outcome: Outcome) -> None:
        self.unknowns = self.unknowns + 1 if outcome.effect is Effect.UNKNOWN else 0
        counted = self.state.counted_at is not None and self.state.streak == 0
        self.settled = self.settled or counted or self.unknowns >= self.member.thresholds.failure

    def _changed(self, before: HostState, ended: float) -> HostChanged:
        if before.verdict is Verdict.UNJUDGED:
            return HostChanged(self.member, self.state, before.verdict, 1)
        return HostChanged(self.member, self.state, before.verdict, before.streak + 1, ended - self.doubted_at)

    def _told(self, before: HostState, outcome: Outcome) -> tuple[SeatEvent, ...]:
        if outcome.effect is Effect.UNKNOWN:
            same = before.outcome is not None and before.outcome.reason is outcome.reason
            return () if same else (HostUnknown(self.member, outcome),)
        unknown = before.outcome is not None and before.outcome.effect is Effect.UNKNOWN
        return (HostKnown(self.member, self.state),) if unknown else ()


def seat_for(member: Member, before: Seat | None) -> Seat:
    """The member's seat; where it is probed otherwise than before, the verdict stays and the streak ends."""
    if before is None:
        return Seat(member)
    if _asked(member) == _asked(before.member):
        before.member = member
        return before
    return Seat(member, replace(before.state, streak=0))


def _asked(member: Member) -> tuple[object, ...]:
    return member.target, member.expect, member.requirement
