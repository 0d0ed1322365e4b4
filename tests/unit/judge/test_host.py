"""Which outcomes count for a member: one for each of its periods, and failures that confirm a loss besides."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.values import member, report, target, with_check
from mooring.judge.host import PLAIN, HostTracker, tracker_for
from mooring.judge.period import SLACK
from mooring.model.events import HostChanged
from mooring.model.probes import Report
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import Thresholds
from mooring.model.targets import Member
from mooring.model.verdicts import Judgement, Outcome, Verdict

READY, NOT_READY = Verdict.READY, Verdict.NOT_READY
OK, REFUSED, TIMEOUT, AUTH, READ_ONLY = Reason.OK, Reason.REFUSED, Reason.TIMEOUT, Reason.AUTH, Reason.READ_ONLY
TURN, EDGE = False, True
Told = tuple[float, Reason, bool]


def tracker(verdict: Verdict = READY, **fields: Any) -> HostTracker:
    """A period of 1 s, an edge of 0.05 s, two successes or three failures."""
    one = with_check(member(), period=1.0, edge=0.05, thresholds=Thresholds(2, 3))
    return HostTracker(with_check(one, **fields), Judgement(verdict))


def play(one: HostTracker, *told: Told) -> list[int]:
    """Takes reports (start in seconds, reason, edge); the streak after each, -1 where the verdict changed."""
    streaks = []
    for started, reason, edge in told:
        made = replace(report(target(), reason, started=started), edge=edge)
        events = one.take(made, Outcome(reason), seeded=True)
        changed = any(isinstance(event, HostChanged) for event in events)
        streaks.append(-1 if changed else one.state.streak)
    return streaks


TABLE: dict[str, tuple[Verdict, list[Told], list[int]]] = {
    "three turns": (READY, [(0, REFUSED, TURN), (1, REFUSED, TURN), (2, REFUSED, TURN)], [1, 2, -1]),
    "turns that come early count once": (
        READY,
        [(0, REFUSED, TURN), (0.5, REFUSED, TURN), (0.89, REFUSED, TURN), (0.91, REFUSED, TURN)],
        [1, 1, 1, 2],
    ),
    "three confirmations": (READY, [(0, REFUSED, EDGE), (0.05, REFUSED, EDGE), (0.1, REFUSED, EDGE)], [1, 2, -1]),
    "confirmations after a good turn": (
        READY,
        [(0, OK, TURN), (0.01, REFUSED, EDGE), (0.06, REFUSED, EDGE), (0.11, REFUSED, EDGE)],
        [0, 1, 2, -1],
    ),
    "confirmations that come early count once": (
        READY,
        [(0, REFUSED, EDGE), (0.04, REFUSED, EDGE), (0.0451, REFUSED, EDGE), (0.08, REFUSED, EDGE)],
        [1, 1, 2, 2],
    ),
    "a confirmation and then turns": (
        READY,
        [(0, OK, TURN), (0.5, REFUSED, EDGE), (1, REFUSED, TURN), (2, REFUSED, TURN)],
        [0, 1, 2, -1],
    ),
    "silence under confirmation": (READY, [(0, OK, TURN), (0.5, TIMEOUT, EDGE), (1.5, TIMEOUT, TURN)], [0, 1, 2]),
    "a success that confirms no loss ends the streak": (
        READY,
        [(0, REFUSED, TURN), (0.05, OK, EDGE), (1, REFUSED, TURN)],
        [1, 0, 1],
    ),
    "a success out of turn ends the streak": (
        READY,
        [(0, REFUSED, TURN), (1, REFUSED, TURN), (1.8, OK, TURN), (2, REFUSED, TURN)],
        [1, 2, 0, 1],
    ),
    "a failure out of turn breaks a row of successes": (
        NOT_READY,
        [(0, OK, TURN), (0.5, REFUSED, TURN), (1, OK, TURN), (2, OK, TURN)],
        [1, 0, 1, -1],
    ),
    "two successes out of turn make nobody ready": (
        NOT_READY,
        [(0, OK, TURN), (0.05, OK, EDGE), (0.1, OK, EDGE), (1, OK, TURN)],
        [1, 1, 1, -1],
    ),
    "a success by evidence counts where a turn was due": (NOT_READY, [(0, OK, EDGE), (1, OK, EDGE)], [1, -1]),
    "unknown by evidence neither adds nor breaks": (
        READY,
        [(0, REFUSED, EDGE), (0.05, AUTH, EDGE), (0.1, REFUSED, EDGE), (0.15, AUTH, EDGE)],
        [1, 1, 2, 2],
    ),
    "the host's own word decides at any moment": (READY, [(0, OK, TURN), (0.01, READ_ONLY, EDGE)], [0, -1]),
}


@pytest.mark.parametrize(("verdict", "told", "streaks"), TABLE.values(), ids=TABLE)
def test_what_counts(verdict: Verdict, told: list[Told], streaks: list[int]) -> None:
    """A failure that confirms a loss counts in its own time, all else once a period."""
    assert play(tracker(verdict), *told) == streaks


def test_a_success_among_the_confirmations_ends_the_doubt() -> None:
    """Failures before and after it are not consecutive; toward ready it counts only when it is due."""
    one = tracker()
    chain = [(10.0, OK, False), (10.1, REFUSED, True), (10.15, REFUSED, True), (10.2, OK, True)]
    again = [(10.3, REFUSED, True), (10.35, REFUSED, True), (10.4, REFUSED, True), (10.45, OK, True)]
    assert play(one, *chain, *again)[1:] == [1, 2, 0, 1, 2, -1, 0]


def test_two_services_with_other_edges_judge_the_same_probes_each_in_its_own_time() -> None:
    """The shortest edge makes the probes; who asked for a longer one counts only those that are so far apart."""
    probes: list[Told] = [(number * 0.05, REFUSED, EDGE) for number in range(9)]
    hasty, patient, slow = (
        tracker(edge=edge, thresholds=Thresholds(2, failure)) for edge, failure in ((0.05, 3), (0.1, 3), (0.1, 5))
    )
    assert play(hasty, *probes)[:3] == [1, 2, -1]
    assert play(patient, *probes)[:5] == [1, 1, 2, 2, -1]
    assert play(slow, *probes) == [1, 1, 2, 2, 3, 3, 4, 4, -1]


def test_an_edge_that_is_longer_than_the_period_takes_no_turn_away() -> None:
    """Confirmations come besides the turns: whatever is due by the period counts."""
    one = tracker(edge=5.0)
    assert play(one, (0, REFUSED, EDGE), (1, REFUSED, EDGE), (2, REFUSED, EDGE)) == [1, 2, -1]


def test_a_change_says_how_long_the_doubt_lasted() -> None:
    """From the beginning of the first probe of the streak to the end of the last."""
    one = tracker()
    play(one, (0, OK, TURN), (10.0, REFUSED, EDGE), (10.05, REFUSED, EDGE))
    made = replace(report(target(), REFUSED, started=10.1), edge=True)
    (event,) = one.take(made, Outcome(REFUSED), seeded=True)
    assert isinstance(event, HostChanged)
    assert event.seconds == pytest.approx(made.ended - 10.0)


REPORTS = st.lists(
    st.tuples(st.floats(0.001, 0.6), st.sampled_from([OK, OK, REFUSED, TIMEOUT, AUTH]), st.booleans()), max_size=40
)


LATE: list[Told] = [(0.001, REFUSED, TURN), (0.6, AUTH, TURN), (0.6, AUTH, TURN), (0.3, OK, TURN), (0.401, OK, TURN)]


@given(REPORTS, st.integers(1, 4), st.integers(1, 4))
@example(LATE, 2, 1)
def test_no_verdict_changes_faster_than_its_thresholds(
    steps: list[tuple[float, Reason, bool]], successes: int, failures: int
) -> None:
    """Ready takes as many periods, not ready as many edges, whatever comes in whatever order."""
    one, now = tracker(thresholds=Thresholds(successes, failures)), 0.0
    since: dict[Effect, list[float]] = {Effect.SUCCESS: [], Effect.FAILURE: []}
    for step, reason, edge in steps:
        now += step
        effect = MEANINGS[reason].effect
        before, counted_at = one.state.verdict, one.state.counted_at
        play(one, (now, reason, edge))
        if one.state.counted_at != counted_at:
            since.setdefault(effect, []).append(now)
        if one.state.verdict is not before:
            kind, needed, least = (
                (Effect.SUCCESS, successes, 0.5 - SLACK)
                if one.state.verdict is READY
                else (Effect.FAILURE, failures, 0.0)
            )
            assert effect is kind
            assert len(since[kind]) >= needed
            assert since[kind][-1] - since[kind][-needed] >= least * (needed - 1) - 1e-9
            since = {Effect.SUCCESS: [], Effect.FAILURE: []}


def changed(one: Member, **fields: Any) -> Member:
    return replace(one, target=fields["target"]) if "target" in fields else with_check(one, **fields)


@pytest.mark.parametrize(
    ("fields", "streak"),
    [({"period": 5.0}, 2), ({"edge": 1.0}, 2), ({"expect": "1"}, 0), ({"target": target(port=3307)}, 0)],
    ids=["period", "edge", "expect", "target"],
)
def test_a_member_that_is_probed_otherwise_begins_its_streak_anew(fields: dict[str, object], streak: int) -> None:
    """The verdict stays either way."""
    before = tracker()
    play(before, (0, REFUSED, TURN), (1, REFUSED, TURN))
    after = tracker_for(changed(before.member, **fields), before)
    assert (after.state.verdict, after.state.streak) == (READY, streak)
    assert after.member == changed(before.member, **fields)


OTHERS = [REFUSED, AUTH, READ_ONLY]
ANSWERS = st.lists(
    st.tuples(
        st.floats(0.0, 1.6), st.sampled_from([*[OK] * 6, REFUSED, AUTH, READ_ONLY]), st.booleans(), st.booleans()
    ),
    max_size=60,
)


def known(one: HostTracker) -> dict[str, object]:
    """The state of the tracker."""
    return {field.name: getattr(one, field.name) for field in fields(one)}


def take(one: HostTracker, made: Report, *, seeded: bool, fast: bool) -> tuple[object, ...]:
    """As a Service takes it: the fast path first, where it is tried."""
    outcome = Outcome(made.observation.reason)
    if fast and outcome == PLAIN and one.absorb(made):
        return ()
    return one.take(made, outcome, seeded=seeded)


@given(ANSWERS, st.integers(0, 5), st.sampled_from([None, READY, NOT_READY]), st.integers(0, 60))
def test_the_fast_path_takes_a_report_as_the_slow_one_does(
    answers: list[tuple[float, Reason, bool, bool]], unseeded: int, stored: Verdict | None, demoted: int
) -> None:
    """Any sequence of answers gives the same events, verdicts, streaks, times and counters both ways."""
    slow, fast = HostTracker(tracker().member), HostTracker(tracker().member)
    now = 0.0
    for number, (step, reason, edge, expedited) in enumerate(answers):
        now += step
        made = replace(report(target(), reason, started=now), edge=edge, expedited=expedited)
        seeded = number >= unseeded
        for one in (slow, fast):
            if number == unseeded and stored is not None:
                one.seed(stored, 1.0)
            if number == demoted:
                one.demote()
        assert take(slow, made, seeded=seeded, fast=False) == take(fast, made, seeded=seeded, fast=True)
        assert known(slow) == known(fast)
        assert slow.state == fast.state


def test_the_fast_path_is_taken() -> None:
    """A host that answers as ever costs one assignment of times: else the property above would hold by itself."""
    one = tracker()
    assert not one.absorb(report(target(), started=0.0))
    play(one, (0.0, OK, TURN))
    assert one.absorb(report(target(), started=1.0))
    assert (one.state.counted_at, one.state.probed_at, one.state.streak) == (1.01, 1_700_000_001.0, 0)
    assert one.absorb(report(target(), started=1.1)), "one that comes early, too"
    assert one.periods.start == 1.0


def test_a_getter_changes_nothing() -> None:
    """Reading a host changes nothing, however often."""
    one = tracker()
    play(one, (0.0, OK, TURN), (1.0, REFUSED, TURN))
    kept = known(one)
    assert (one.state, one.ready, one.heard, one.saturated, one.several) == (one.state, True, True, False, False)
    assert known(one) == kept
