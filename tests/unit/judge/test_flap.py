"""A host that goes out again and again: the whole table of holds."""

from __future__ import annotations

import pytest

from mooring.judge.flap import CALM, Flaps, went_out
from mooring.model.damping import FlapRule

RULE = FlapRule(transitions=3, within=100.0, hold=10.0, most=35.0)


@pytest.mark.parametrize(
    ("before", "now", "hold"),
    [
        pytest.param(CALM, 0.0, 0.0, id="the first"),
        pytest.param(Flaps((0.0,)), 50.0, 0.0, id="one fewer than it takes"),
        pytest.param(Flaps((0.0, 50.0)), 99.0, 10.0, id="as many as it takes"),
        pytest.param(Flaps((0.0, 50.0)), 100.0, 0.0, id="the first of them is too old"),
        pytest.param(Flaps((0.0, 1.0, 2.0), 10.0), 50.0, 20.0, id="twice as long the next time"),
        pytest.param(Flaps((0.0, 1.0, 2.0), 20.0), 50.0, 35.0, id="the longest"),
        pytest.param(Flaps((0.0, 1.0, 2.0), 35.0), 136.9, 35.0, id="never longer"),
        pytest.param(Flaps((0.0, 1.0, 2.0), 35.0), 137.0, 0.0, id="quiet since the hold ended: forgotten"),
        pytest.param(Flaps((0.0, 1.0, 2.0), 10.0), 111.9, 20.0, id="old transitions, and not yet quiet for long"),
    ],
)
def test_the_table_of_holds(before: Flaps, now: float, hold: float) -> None:
    """The hold grows with each time out, up to the longest; a host that was quiet for long begins anew."""
    after = went_out(before, RULE, now)
    assert after.hold == hold
    assert after.held_until == (now + hold if hold else None)
    assert after.outs[-1] == now


def test_a_hold_may_be_longer_than_the_time_that_is_looked_at() -> None:
    """Quiet is counted from its end: a host that was kept out all the time has proven nothing."""
    rule = FlapRule(transitions=2, within=10.0, hold=500.0, most=600.0)
    held = went_out(went_out(CALM, rule, 0.0), rule, 5.0)
    assert went_out(held, rule, 512.0).hold == 600.0
    assert went_out(held, rule, 515.0).hold == 0.0


def test_what_is_remembered_is_bounded() -> None:
    """A host that flaps for a year costs no more than one that flaps for a minute."""
    flaps = CALM
    for now in range(1000):
        flaps = went_out(flaps, RULE, float(now))
    assert (len(flaps.outs), flaps.hold) == (RULE.transitions, RULE.most)
