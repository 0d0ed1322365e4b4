"""A target of the engine: whether a turn is taken, waits, or is left out."""

from __future__ import annotations

import pytest

from lab.values import target
from mooring.model.clocks import Clocks
from mooring.probe.account import Account
from mooring.probe.connects import FreshProbes
from mooring.probe.loop import Loop, Timer
from mooring.probe.target_state import ProbePurpose, TargetProbe
from support.engine_harness import TERMS

WITNESS, EVIDENCE, TURN, TWICE = (
    ProbePurpose.WITNESS,
    ProbePurpose.EVIDENCE,
    ProbePurpose.TURN,
    ProbePurpose.TURN_AND_NEXT,
)


def _nothing(*_: object) -> None:
    """Does nothing."""


def probe(purpose: ProbePurpose | None, *, confirming: bool = False) -> TargetProbe:
    loop, clocks = Loop(Clocks()), Clocks()
    fresh = FreshProbes(loop, clocks)
    account = Account(
        target(), loop, fresh, clocks, on_lost=_nothing, on_replaced=_nothing, on_answers=_nothing, on_free=_nothing
    )
    one = TargetProbe(target(), TERMS, account)
    one.purpose = purpose
    one.confirming = Timer(lambda: None) if confirming else None
    return one


# what is under way, a confirmation is awaited -> at rest, the turn begins, it is left out, what is under way then
TABLE = [
    (None, False, True, True, False, TURN),
    (None, True, False, False, False, None),
    (WITNESS, False, False, False, False, TURN),
    (EVIDENCE, False, False, False, False, TURN),
    (TURN, False, False, False, False, TWICE),
    (TWICE, False, False, False, True, TWICE),
]


@pytest.mark.parametrize(("purpose", "confirming", "rests", "begins", "left_out", "then"), TABLE)
def test_a_turn(
    purpose: ProbePurpose | None,
    then: ProbePurpose | None,
    *,
    confirming: bool,
    rests: bool,
    begins: bool,
    left_out: bool,
) -> None:
    """A probe under way for another reason becomes the turn; behind a turn one more may wait, and no third."""
    one = probe(purpose, confirming=confirming)
    assert one.rests is rests
    assert one.takes_turn() is begins
    assert (not begins and one.overruns()) is left_out
    assert one.purpose is then


def test_whoever_is_dismissed_waits_for_nothing() -> None:
    """The next confirmation does not come."""
    one = probe(None, confirming=True)
    timer = one.confirming
    one.dismiss()
    assert timer is not None
    assert timer.task is None
    assert one.question is None
