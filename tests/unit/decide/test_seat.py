"""Which outcomes count for a member: one for each of its periods, and failures that confirm a loss besides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ground.values import member, report, target
from mooring.decide.seat import SLACK, Seat, seat_for
from mooring.events import HostChanged
from mooring.model import HostState, Member, Outcome, Verdict
from mooring.reasons import MEANINGS, Effect, Reason
from mooring.spec import Thresholds

READY, NOT_READY = Verdict.READY, Verdict.NOT_READY
OK, REFUSED, TIMEOUT, AUTH, READ_ONLY = Reason.OK, Reason.REFUSED, Reason.TIMEOUT, Reason.AUTH, Reason.READ_ONLY
TURN, EDGE = False, True
Told = tuple[float, Reason, bool]


def seat(verdict: Verdict = READY, **fields: object) -> Seat:
    """A period of 1 s, an edge of 0.05 s, two successes or three failures."""
    one = replace(member(), period=1.0, edge=0.05, thresholds=Thresholds(2, 3))
    return Seat(replace(one, **fields), HostState(verdict))  # type: ignore[arg-type]  # fields of a member


def play(one: Seat, *told: Told) -> list[int]:
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
    assert play(seat(verdict), *told) == streaks


def test_a_success_among_the_confirmations_ends_the_doubt() -> None:
    """Failures before and after it are not consecutive; toward ready it counts only when it is due."""
    one = seat()
    chain = [(10.0, OK, False), (10.1, REFUSED, True), (10.15, REFUSED, True), (10.2, OK, True)]
    again = [(10.3, REFUSED, True), (10.35, REFUSED, True), (10.4, REFUSED, True), (10.45, OK, True)]
    assert play(one, *chain, *again)[1:] == [1, 2, 0, 1, 2, -1, 0]


def test_two_services_with_other_edges_judge_the_same_probes_each_in_its_own_time() -> None:
    """The shortest edge makes the probes; who asked for a longer one counts only those that are so far apart."""
    probes: list[Told] = [(number * 0.05, REFUSED, EDGE) for number in range(9)]
    hasty, patient, slow = (
        seat(edge=edge, thresholds=Thresholds(2, failure)) for edge, failure in ((0.05, 3), (0.1, 3), (0.1, 5))
    )
    assert play(hasty, *probes)[:3] == [1, 2, -1]
    assert play(patient, *probes)[:5] == [1, 1, 2, 2, -1]
    assert play(slow, *probes) == [1, 1, 2, 2, 3, 3, 4, 4, -1]


def test_an_edge_that_is_longer_than_the_period_takes_no_turn_away() -> None:
    """Confirmations come besides the turns: whatever is due by the period counts."""
    one = seat(edge=5.0)
    assert play(one, (0, REFUSED, EDGE), (1, REFUSED, EDGE), (2, REFUSED, EDGE)) == [1, 2, -1]


def test_a_change_says_how_long_the_doubt_lasted() -> None:
    """From the beginning of the first probe of the streak to the end of the last."""
    one = seat()
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
    one, now = seat(thresholds=Thresholds(successes, failures)), 0.0
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


def changed(one: Member, **fields: object) -> Member:
    return replace(one, **fields)  # type: ignore[arg-type]  # fields of a member


@pytest.mark.parametrize(
    ("fields", "streak"),
    [({"period": 5.0}, 2), ({"edge": 1.0}, 2), ({"expect": "1"}, 0), ({"target": target(port=3307)}, 0)],
    ids=["period", "edge", "expect", "target"],
)
def test_a_member_that_is_probed_otherwise_begins_its_streak_anew(fields: dict[str, object], streak: int) -> None:
    """And keeps its verdict either way."""
    before = seat()
    play(before, (0, REFUSED, TURN), (1, REFUSED, TURN))
    after = seat_for(changed(before.member, **fields), before)
    assert (after.state.verdict, after.state.streak) == (READY, streak)
    assert after.member == changed(before.member, **fields)
