"""judge: the whole truth table, and a state machine against an oracle that only remembers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from mooring.judge.verdict import judge, note, seed
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import Thresholds
from mooring.model.verdicts import Judgement, Outcome, Transition, Verdict

UNJUDGED, READY, NOT_READY = Verdict.UNJUDGED, Verdict.READY, Verdict.NOT_READY
UNCHANGED, PENDING, CHANGED = Transition.UNCHANGED, Transition.PENDING, Transition.CHANGED
GOOD, BAD, WORD, OURS = Effect.SUCCESS, Effect.FAILURE, Effect.DECIDES, Effect.UNKNOWN
THRESHOLDS = Thresholds(success=2, failure=3)

TABLE = [
    # verdict, streak, effect -> verdict, streak, transition; two successes or three failures are needed
    (UNJUDGED, 0, GOOD, READY, 0, CHANGED),
    (UNJUDGED, 0, BAD, NOT_READY, 0, CHANGED),
    (UNJUDGED, 0, WORD, NOT_READY, 0, CHANGED),
    (UNJUDGED, 0, OURS, UNJUDGED, 0, UNCHANGED),
    (READY, 0, GOOD, READY, 0, UNCHANGED),
    (READY, 1, GOOD, READY, 0, UNCHANGED),
    (READY, 2, GOOD, READY, 0, UNCHANGED),
    (READY, 0, BAD, READY, 1, PENDING),
    (READY, 1, BAD, READY, 2, PENDING),
    (READY, 2, BAD, NOT_READY, 0, CHANGED),
    (READY, 0, WORD, NOT_READY, 0, CHANGED),
    (READY, 1, WORD, NOT_READY, 0, CHANGED),
    (READY, 2, WORD, NOT_READY, 0, CHANGED),
    (READY, 0, OURS, READY, 0, UNCHANGED),
    (READY, 1, OURS, READY, 1, UNCHANGED),
    (READY, 2, OURS, READY, 2, UNCHANGED),
    (NOT_READY, 0, GOOD, NOT_READY, 1, PENDING),
    (NOT_READY, 1, GOOD, READY, 0, CHANGED),
    (NOT_READY, 0, BAD, NOT_READY, 0, UNCHANGED),
    (NOT_READY, 1, BAD, NOT_READY, 0, UNCHANGED),
    (NOT_READY, 0, WORD, NOT_READY, 0, UNCHANGED),
    (NOT_READY, 1, WORD, NOT_READY, 0, UNCHANGED),
    (NOT_READY, 0, OURS, NOT_READY, 0, UNCHANGED),
    (NOT_READY, 1, OURS, NOT_READY, 1, UNCHANGED),
]


def of(effect: Effect) -> list[Reason]:
    return [reason for reason, meaning in MEANINGS.items() if meaning.effect is effect]


ROWS = [
    pytest.param(Judgement(verdict, streak, since=5.0), reason, expected, id=f"{verdict}-{streak}-{reason}")
    for verdict, streak, effect, *expected in TABLE
    for reason in of(effect)
]


@pytest.mark.parametrize(("before", "reason", "expected"), ROWS)
def test_truth_table(before: Judgement, reason: Reason, expected: list[object]) -> None:
    """Every reason moves every verdict exactly as the table says, and a state that was handed in stays as it was."""
    kept = replace(before)
    state, moved = judge(before, Outcome(reason), THRESHOLDS, at=1000.0)
    assert [state.verdict, state.streak, moved] == expected
    assert state.outcome == Outcome(reason)
    assert state.since == (1000.0 if moved is CHANGED else 5.0)
    assert before == kept


def test_the_table_is_whole() -> None:
    """The table has a row for each verdict, streak and effect."""
    streaks = {UNJUDGED: 1, READY: THRESHOLDS.failure, NOT_READY: THRESHOLDS.success}
    whole = {(v, n, e) for v, bound in streaks.items() for n in range(bound) for e in Effect}
    assert whole == {row[:3] for row in TABLE}


@pytest.mark.parametrize(("success", "failure"), list(itertools.product((1, 2, 100), repeat=2)))
def test_a_threshold_is_the_exact_number(success: int, failure: int) -> None:
    """Three means the third in a row, neither the second nor the fourth; and 1 means the first."""
    thresholds = Thresholds(success, failure)
    for start, reason, number in ((NOT_READY, Reason.OK, success), (READY, Reason.REFUSED, failure)):
        state, moves = Judgement(start), []
        for _ in range(number):
            state, moved = judge(state, Outcome(reason), thresholds, 0.0)
            moves.append(moved)
        assert moves == [PENDING] * (number - 1) + [CHANGED]


def test_lowered_thresholds_take_hold_of_a_running_streak() -> None:
    """A file that lowers a threshold below a streak under way changes the verdict at the next outcome."""
    state, moved = judge(Judgement(READY, 5), Outcome(Reason.RESET), Thresholds(1, 2), 0.0)
    assert (state.verdict, moved) == (NOT_READY, CHANGED)


@pytest.mark.parametrize("reason", list(Reason))
def test_only_a_success_takes_the_hosts_own_word_back(reason: Reason) -> None:
    """A host that said that it must not serve stays barred through timeouts and unknown outcomes alike."""
    self_disqualified, _ = judge(Judgement(READY), Outcome(Reason.WRONG_ROLE), THRESHOLDS, 0.0)
    after, _ = judge(self_disqualified, Outcome(reason), THRESHOLDS, 0.0)
    assert self_disqualified.self_disqualified
    assert after.self_disqualified == (reason is not Reason.OK)


@pytest.mark.parametrize("verdict", [READY, NOT_READY])
def test_a_seeded_verdict_has_to_be_contradicted_as_often_as_any_other(verdict: Verdict) -> None:
    """After a restart one outcome changes nothing: the thresholds apply to what was stored."""
    state = seed(Judgement(), verdict, 7.0)
    assert (state.verdict, state.streak, state.since) == (verdict, 0, 7.0)
    for reason in (Reason.OK, Reason.REFUSED):
        assert judge(state, Outcome(reason), THRESHOLDS, 0.0)[0].verdict is verdict


def test_an_own_word_heard_before_outweighs_what_is_stored() -> None:
    """A host that says it is read-only while the cluster cannot be read yet is not ready, whatever is stored."""
    heard = note(Judgement(), Outcome(Reason.READ_ONLY))
    assert heard.verdict is UNJUDGED
    assert seed(heard, READY, None).verdict is NOT_READY


class Judging(RuleBasedStateMachine):
    """The oracle keeps what counts since the last change of verdict and looks at its end, nothing else."""

    @initialize(success=st.integers(1, 4), failure=st.integers(1, 4), seeded=st.sampled_from([None, READY, NOT_READY]))
    def begin(self, success: int, failure: int, seeded: Verdict | None) -> None:
        self.thresholds = Thresholds(success, failure)
        self.state = seed(Judgement(), seeded, 0.0) if seeded else Judgement()
        self.counted: list[Effect] = []
        self.now = 0.0

    def outcome(self, reason: Reason) -> tuple[Judgement, Transition]:
        self.now += 1.0
        before, frozen = self.state, replace(self.state)
        self.state, moved = judge(before, Outcome(reason), self.thresholds, self.now)
        assert before == frozen
        assert (moved is CHANGED) == (before.verdict is not self.state.verdict)
        return before, moved

    @rule(reason=st.sampled_from(of(Effect.UNKNOWN)))
    def unknown_moves_nothing(self, reason: Reason) -> None:
        before, moved = self.outcome(reason)
        assert moved is UNCHANGED
        assert self.state == replace(before, outcome=Outcome(reason))

    @rule(reason=st.sampled_from(of(Effect.SUCCESS) * 8 + of(Effect.FAILURE) + of(Effect.DECIDES)))
    def definite_counts(self, reason: Reason) -> None:
        before, _ = self.outcome(reason)
        self.counted.append(MEANINGS[reason].effect)
        expected = self.oracle(before.verdict)
        assert self.state.verdict is expected
        if expected is not before.verdict:
            self.counted.clear()

    def oracle(self, held: Verdict) -> Verdict:
        last = self.counted[-1]
        if held is UNJUDGED:
            return READY if last is GOOD else NOT_READY
        if held is READY:
            failed = (
                len(self.counted) >= self.thresholds.failure and GOOD not in self.counted[-self.thresholds.failure :]
            )
            return NOT_READY if failed or last is WORD else READY
        proven = self.counted[-self.thresholds.success :] == [GOOD] * self.thresholds.success
        return READY if proven else NOT_READY

    @precondition(lambda self: self.state.verdict is not UNJUDGED)
    @rule()
    def a_restart_keeps_the_verdict(self) -> None:
        self.state = seed(Judgement(), self.state.verdict, self.now)
        self.counted.clear()


TestJudging = pytest.mark.slow(Judging.TestCase)
TestJudging.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
