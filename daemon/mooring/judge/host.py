"""One member of a Service: which outcomes count, and how they move its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mooring.judge.flap import CALM, Flaps
from mooring.judge.period import Periods
from mooring.judge.record import HostRecord, NotedTransition
from mooring.judge.verdict import judge, note, seed
from mooring.model.damping import Hold
from mooring.model.events import HostChanged, HostUnknown
from mooring.model.facts import Facts
from mooring.model.host_events import HostHeld, HostKnown
from mooring.model.probes import Report
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import Role
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Judgement, Outcome, Transition, Verdict

PLAIN = Outcome(Reason.OK)
"""The usual outcome: a success without a message."""
REFUSALS = frozenset({Reason.AUTH, Reason.QUOTA})
"""By these a host refuses our account. A report that has a cause, too, is no refusal: Mooring ended the login."""

HostEvent = HostChanged | HostUnknown | HostKnown | HostHeld


@dataclass(slots=True, eq=False)
class HostTracker:
    """The state of one member. Only its methods change it; times are monotonic seconds."""

    member: Member
    judgement: Judgement = field(default_factory=Judgement)
    last: Report | None = None
    """The last report that it took."""
    counted_at: float | None = None
    """When the last probe that counted ended."""
    steady: bool = False
    """It is ready without a streak against it, its last outcome was ``PLAIN``, and its Service compares no answer."""
    periods: Periods = field(default_factory=Periods)
    """Which of its probes count."""
    streak_started_at: float = 0.0
    """When the first probe of the present streak began."""
    unknowns: int = 0
    """Outcomes in a row that were unknown or undecided."""
    undecided: bool = False
    """Its last outcome decides nothing yet: another host or the quorum must be heard first."""
    refusals: int = 0
    """Refusals of our account in a row; other unknown outcomes neither add to the row nor end it."""
    facts: Facts | None = None
    """The last facts that it reported of its role."""
    role_reports: tuple[Report, ...] = ()
    """The last three reports with facts of its role."""
    settled: bool = False
    """``check`` and ``plan`` need not wait for it any longer: its verdict was definite once, or ``failureThreshold``
    outcomes in a row decided nothing, or it refused one login."""
    claims_primary: bool = False
    """It claims to be the primary and is fit for it; the claim outlasts ``failureThreshold - 1`` probes without it."""
    probes_without_claim: int = 0
    """Probes in a row without that claim."""
    confirmed_by_us: bool = False
    """An outcome of our own has made or confirmed the verdict; before that the verdict is the stored one."""
    flaps: Flaps = CALM
    """Its latest transitions out by counted failures."""
    hold: Hold | None = None
    """What holds its verdict back."""
    held_since: float | None = None
    """When the present hold began."""
    spoke: bool = False
    """A failure of the present streak was no silence."""
    record: HostRecord = field(default_factory=HostRecord)

    @property
    def state(self) -> HostState:
        """The judgement and its times, as a frozen value."""
        held, last = self.judgement, self.last
        return HostState(
            held.verdict,
            held.streak,
            held.since,
            held.outcome,
            held.self_disqualified,
            held.fault,
            self.counted_at,
            last.at if last else None,
            last.latency if last else None,
            last.observation.facts if last else None,
            last.observation.caution if last else "",
            last.observation.not_after if last else None,
            self.hold,
        )

    @property
    def published(self) -> tuple[object, ...]:
        """What the publisher reads of the judgement: where it changes, the Service may need a write.

        Of a host that is out, ``lastResort`` asks for the fault, and ``mooring/trust`` for the last outcome.
        """
        held = self.judgement
        if held.verdict is Verdict.READY:
            return (held.verdict,)
        return held.verdict, held.fault, held.self_disqualified, held.outcome and held.outcome.reason

    @property
    def ready(self) -> bool:
        return self.judgement.verdict is Verdict.READY

    @property
    def heard(self) -> bool:
        """It has had an outcome, of any kind."""
        return self.judgement.outcome is not None

    @property
    def saturated(self) -> bool:
        return self.judgement.outcome is not None and self.judgement.outcome.reason is Reason.SATURATED

    @property
    def outvoted(self) -> bool:
        """It is silent to us, and most observers do not agree."""
        return self.judgement.outcome is not None and self.judgement.outcome.reason is Reason.OUTVOTED

    @property
    def claimed_in_last_probe(self) -> bool:
        """Its last probe claimed that it is the primary."""
        return self.claims_primary and self.probes_without_claim == 0

    @property
    def several(self) -> bool:
        """It reports that it is one of several hosts that may take writes at once."""
        return self.facts is not None and self.facts.group is not None and self.facts.group.several

    @property
    def asked_for_an_answer_only(self) -> bool:
        return self.member.check.requirement.role is Role.ANY

    def seed(self, verdict: Verdict, at: float | None) -> None:
        """Takes the verdict that is stored; ``at`` is Unix seconds."""
        before = self.judgement.verdict
        self.judgement, self.steady, self.hold = seed(self.judgement, verdict, at), False, None
        self._note_transition(before, None, at or 0.0)

    def demote(self) -> None:
        """Makes it not ready until its own probes succeed."""
        before = self.judgement.verdict
        self.judgement, self.steady = replace(self.judgement, verdict=Verdict.NOT_READY, streak=0), False
        self._note_transition(before, None, self.judgement.since or 0.0)

    def absorb(self, report: Report) -> bool:
        """The fast path for a report whose outcome is ``PLAIN``: does what ``take`` would do to a steady host.

        Only times change then. Returns False, and changes nothing, where the host is not steady.
        """
        if self.steady:
            self.periods.begin(report.started, self.member.check.period)
            self._note_times(report)
        return self.steady

    def note_facts(self, report: Report) -> None:
        """Notes the facts of its role, if the report has any."""
        if report.observation.facts is not None:
            self.facts = report.observation.facts
            self.role_reports = (*self.role_reports[-2:], report)

    def note_claim(self, outcome: Outcome) -> None:
        """Notes whether it claims to be the primary; ``outcome`` is its outcome as if it were the only host."""
        if outcome.effect is Effect.SUCCESS:
            self.claims_primary, self.probes_without_claim = True, 0
        else:
            self.probes_without_claim += 1
            doubt = self.probes_without_claim < self.member.check.thresholds.failure
            lasts = outcome.effect is not Effect.DECIDES and doubt
            self.claims_primary = self.claims_primary and lasts

    def yield_to(self, other: str, at: float) -> HostChanged:
        """Makes it not ready, because ``other`` is the primary now."""
        before = self.judgement
        shown = replace(before.outcome or Outcome(Reason.LOCAL), message=f"yields to {other}, which is the primary")
        self.judgement = replace(before, verdict=Verdict.NOT_READY, streak=0, since=at, outcome=shown)
        self.steady = False
        self._note_transition(before.verdict, shown, at, self.probes_without_claim)
        return HostChanged(self.member, self.state, before.verdict, self.probes_without_claim)

    def release(self, at: float) -> HostChanged:
        """Makes a host ready that has proven itself and was only held out; ``at`` is Unix seconds."""
        before = self.judgement
        self.judgement = replace(before, verdict=Verdict.READY, streak=0, since=at)
        self.hold, self.steady = None, False
        self._note_transition(before.verdict, before.outcome, at, before.streak)
        return HostChanged(self.member, self.state, before.verdict, before.streak)

    def take(
        self,
        report: Report,
        outcome: Outcome,
        *,
        seeded: bool,
        urgent: bool = False,
        undecided: bool = False,
        hold: Hold | None = None,
    ) -> tuple[HostEvent, ...]:
        """Takes the outcome, if it counts now, and returns the events. Before ``seeded`` it shows the outcome only.

        ``urgent``: the Service has no primary and admits this one, so a probe before its turn counts, too.
        ``undecided``: another host or the quorum must be heard first, so it shows the outcome only.
        ``hold``: what holds the verdict back that the outcome would bring.
        """
        judged, definite = seeded and not undecided, outcome.effect in (Effect.SUCCESS, Effect.FAILURE)
        if judged and definite and not self._counts(report, outcome, urgent=urgent):
            return ()
        before, transition = self.judgement, Transition.UNCHANGED
        if judged:
            damped, thresholds = hold is not None, self.member.check.thresholds
            self.judgement, transition = judge(before, outcome, thresholds, report.at, damped=damped)
            self.confirmed_by_us = self.confirmed_by_us or (definite and self.judgement.streak == 0)
            self.counted_at = self.counted_at if outcome.effect is Effect.UNKNOWN else report.ended
        else:
            self.judgement = note(before, outcome)
        held = self.hold
        if judged and definite:
            self._note_hold(outcome, hold, report.ended)
        self.last, self.undecided = report, undecided
        self.record.note(outcome, report, judged=judged)
        self._settle(outcome)
        if transition is not Transition.UNCHANGED and before.streak == 0:
            self.streak_started_at = report.started
        self.steady = judged and self._is_steady(outcome)
        if transition is Transition.CHANGED:
            return (self._change_event(before, report, held=held is not None),)
        return self._news(before, held, outcome)

    def _note_hold(self, outcome: Outcome, hold: Hold | None, now: float) -> None:
        self.spoke = bool(self.judgement.streak) and (self.spoke or not MEANINGS[outcome.reason].silent)
        if hold is None or self.hold is None:
            self.held_since = None if hold is None else now
        self.hold = hold

    def _note_times(self, report: Report) -> None:
        self.last, self.periods.counted_from, self.counted_at = report, report.started, report.ended
        self.record.note_again(report)

    def _is_steady(self, outcome: Outcome) -> bool:
        sound = self.ready and self.judgement.streak == 0
        return sound and outcome == PLAIN and self.member.check.expect is None

    def _counts(self, report: Report, outcome: Outcome, *, urgent: bool) -> bool:
        agrees = self.judgement.verdict is (Verdict.READY if outcome.effect is Effect.SUCCESS else Verdict.NOT_READY)
        return self.periods.counts(report, outcome, self.member.check, agrees=agrees, urgent=urgent)

    def _settle(self, outcome: Outcome) -> None:
        nothing = outcome.effect is Effect.UNKNOWN or self.undecided
        self.unknowns = self.unknowns + 1 if nothing else 0
        if outcome.effect is not Effect.UNKNOWN:
            self.refusals = 0
        elif outcome.reason in REFUSALS and self.last and not self.last.observation.cause:
            self.refusals += 1
        counted = self.counted_at is not None and self.judgement.streak == 0 and not self.undecided
        enough = self.unknowns >= self.member.check.thresholds.failure or outcome.reason in REFUSALS
        self.settled = self.settled or counted or enough or self.hold is not None

    def _change_event(self, before: Judgement, report: Report, *, held: bool = False) -> HostChanged:
        """``held``: the verdict was held back, so that the length of the streak says nothing of the detection."""
        first = before.verdict is Verdict.UNJUDGED
        streak, seconds = (1, None) if first else (before.streak + 1, report.ended - self.streak_started_at)
        self._note_transition(before.verdict, self.judgement.outcome, report.at, streak, seconds or 0.0)
        return HostChanged(self.member, self.state, before.verdict, streak, None if held else seconds)

    def _note_transition(
        self, before: Verdict, outcome: Outcome | None, at: float, streak: int = 0, seconds: float = 0.0
    ) -> None:
        """``at`` in Unix seconds; ``seconds``: since its evidence; no outcome: the stored verdict was taken over."""
        after = self.judgement.verdict
        if after is not before:
            noted = NotedTransition(at, at - seconds, before, after, outcome, self.member.target, streak)
            self.record.note_transition(noted)

    def _news(self, before: Judgement, held: Hold | None, outcome: Outcome) -> tuple[HostEvent, ...]:
        if self.hold is not None and (held is None or held.by is not self.hold.by):
            return (HostHeld(self.member, self.state),)
        if outcome.effect is Effect.UNKNOWN:
            same = before.outcome is not None and before.outcome.reason is outcome.reason
            return () if same else (HostUnknown(self.member, outcome),)
        unknown = before.outcome is not None and before.outcome.effect is Effect.UNKNOWN
        ended = held is not None and self.hold is None
        return (HostKnown(self.member, self.state),) if unknown or ended else ()


def tracker_for(member: Member, before: HostTracker | None) -> HostTracker:
    """The member's tracker. Where the target or the check has changed, the verdict stays and the streak ends."""
    if before is None:
        return HostTracker(member)
    if _question(member) == _question(before.member):
        before.member = member
        return before
    kept = replace(before.judgement, streak=0)
    return HostTracker(member, kept, before.last, before.counted_at, flaps=before.flaps, record=before.record)


def _question(member: Member) -> tuple[object, ...]:
    return member.target, member.check.expect, member.check.requirement
