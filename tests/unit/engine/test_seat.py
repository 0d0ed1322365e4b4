"""A target of the engine: whether a turn is taken, waits, or is left out."""

from __future__ import annotations

import pytest

from ground.turns import TERMS
from ground.values import target
from mooring.clocks import Clocks
from mooring.engine.loop import Loop, Timer
from mooring.engine.peer import Peer
from mooring.engine.seat import Seat, Way

WITNESS, EVIDENCE, TURN, TWICE = Way.WITNESS, Way.EVIDENCE, Way.TURN, Way.TURN_AND_NEXT


def seat(way: Way | None, *, confirming: bool = False) -> Seat:
    one = Seat(target(), TERMS, Peer("10.20.0.11", Loop(Clocks()), lambda *_: None, lambda _: None))
    one.way = way
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


@pytest.mark.parametrize(("way", "confirming", "rests", "begins", "left_out", "then"), TABLE)
def test_a_turn(
    way: Way | None, then: Way | None, *, confirming: bool, rests: bool, begins: bool, left_out: bool
) -> None:
    """A probe on its way for another reason becomes the turn; behind a turn one more may wait, and no third."""
    one = seat(way, confirming=confirming)
    assert one.rests is rests
    assert one.takes_turn() is begins
    assert (not begins and one.overruns()) is left_out
    assert one.way is then


def test_whoever_is_dismissed_waits_for_nothing() -> None:
    """The next confirmation does not come."""
    one = seat(None, confirming=True)
    timer = one.confirming
    one.dismiss()
    assert timer is not None
    assert timer.task is None
    assert one.asked is None
