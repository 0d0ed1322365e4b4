"""How many hosts silence alone may take out: both rules, by their tables."""

from __future__ import annotations

import pytest

from mooring.judge.silence import FEWEST, SilentDemotions, stays_for_floor
from mooring.model.damping import DemotionLimit, Floor

WINDOW = 60.0
HALF = DemotionLimit(50, WINDOW)


@pytest.mark.parametrize(
    ("floor", "serving", "listed", "stays"),
    [
        pytest.param(Floor(), 1, 3, False, id="the default keeps none"),
        pytest.param(Floor(2), 3, 3, False, id="as many are left"),
        pytest.param(Floor(2), 2, 3, True, id="too few would be left"),
        pytest.param(Floor(2), 1, 3, True, id="too few are left already"),
        pytest.param(Floor(50, percent=True), 2, 5, True, id="half of five is two"),
        pytest.param(Floor(50, percent=True), 3, 5, False, id="rounded down"),
        pytest.param(Floor(100, percent=True), 5, 5, True, id="silence takes none"),
        pytest.param(Floor(40, percent=True), 1, 2, False, id="less than one host is none"),
    ],
)
def test_a_silent_host_leaves_while_so_many_serve(floor: Floor, serving: int, listed: int, *, stays: bool) -> None:
    """A number of hosts, or a part of those that are listed, rounded down."""
    assert stays_for_floor(floor, serving, listed) is stays


def hosts(count: int) -> frozenset[str]:
    return frozenset(f"10.20.0.{number}" for number in range(1, count + 1))


@pytest.mark.parametrize(
    ("limit", "ready", "left", "held_since", "holds"),
    [
        pytest.param(None, 10, 9, None, False, id="off"),
        pytest.param(HALF, 1, FEWEST - 2, None, False, id="few hosts, whatever happens to them"),
        pytest.param(HALF, 6, 4, None, False, id="the fifth of ten"),
        pytest.param(HALF, 5, 5, None, True, id="the sixth of ten"),
        pytest.param(HALF, 1, 9, None, True, id="the last of ten"),
        pytest.param(HALF, 6, 5, None, True, id="the sixth of eleven"),
        pytest.param(HALF, 5, 5, 41.0, True, id="held, for less than the window"),
        pytest.param(HALF, 5, 5, 40.0, False, id="held, for the window"),
        pytest.param(DemotionLimit(1, WINDOW), 99, 1, None, True, id="a second of a hundred"),
    ],
)
def test_more_silence_at_once_is_likelier_our_own(
    limit: DemotionLimit | None, ready: int, left: int, held_since: float | None, *, holds: bool
) -> None:
    """So many leave within the window; each other waits for it at most, and then leaves as well."""
    demotions, all_hosts = SilentDemotions(limit), sorted(hosts(ready + left))
    for address in all_hosts[ready:]:
        demotions.note(address, 90.0)
    asked = demotions.holds(all_hosts[0], frozenset(all_hosts[:ready]), held_since, 100.0)
    assert asked is holds


def test_what_left_before_the_window_is_forgotten() -> None:
    """Both by the rule and in memory; a host that left again counts once."""
    demotions = SilentDemotions(HALF)
    for address in sorted(hosts(9)):
        demotions.note(address, 0.0)
    assert demotions.holds("10.20.0.10", hosts(10), None, WINDOW - 1)
    assert not demotions.holds("10.20.0.10", hosts(10), None, WINDOW)
    demotions.note("10.20.0.1", WINDOW)
    demotions.note("10.20.0.1", WINDOW + 1)
    assert demotions.left == {"10.20.0.1": WINDOW + 1}
