"""Whether a daemon may hold the Lease, by what it knows of itself."""

from __future__ import annotations

import pytest

from mooring.leader.health import Fitness, Health, fitness, standing_still
from mooring.model.silence import Outlook

OUTVOTED = Outlook(frozenset({"db"}), frozenset({"db"}))


@pytest.mark.parametrize(
    ("health", "others_see", "wanted"),
    [
        (Health(), False, Fitness.WELL),
        (Health(), True, Fitness.WELL),
        (Health(blind=True), False, Fitness.WELL),
        (Health(blind=True), True, Fitness.BLIND),
        (Health(stuck="the writer stands still"), False, Fitness.STUCK),
        (Health(stuck="the writer stands still", blind=True), True, Fitness.STUCK),
        (Health(started=False), False, Fitness.WELL),
        (Health(outlook=OUTVOTED), False, Fitness.OUTVOTED),
        (Health(outlook=OUTVOTED), True, Fitness.OUTVOTED),
        (Health(outlook=Outlook(ready=frozenset({"db"}))), True, Fitness.WELL),
        (Health(blind=True, outlook=OUTVOTED), True, Fitness.BLIND),
        (Health(blind=True, outlook=OUTVOTED), False, Fitness.WELL),
        (Health(stuck="the writer stands still", outlook=OUTVOTED), True, Fitness.STUCK),
    ],
)
def test_who_may_hold_the_lease(health: Health, wanted: Fitness, *, others_see: bool) -> None:
    """A daemon whose threads turn and that is not blind; where nobody sees, a blind one may hold it, too."""
    assert fitness(health, others_see=others_see) is wanted


@pytest.mark.parametrize(
    ("turned", "period", "still"),
    [
        ({"engine": 71.0, "writer": 99.0}, 2.0, None),
        ({"engine": 69.0, "writer": 99.0}, 2.0, "the engine stands still"),
        ({"engine": 69.0, "writer": 99.0}, 20.0, None),
        ({"engine": 39.0, "writer": 99.0}, 20.0, "the engine stands still"),
    ],
    ids=["within the seconds", "later", "within three long periods", "later than these"],
)
def test_a_thread_stands_still_after_some_seconds_and_three_periods(
    turned: dict[str, float], period: float, still: str | None
) -> None:
    """A thread that turns once a long period is not taken for one that hangs."""
    assert standing_still(turned, now=100.0, period=period, within=30.0) == still
