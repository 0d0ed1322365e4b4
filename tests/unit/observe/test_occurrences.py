"""How often one Event is posted."""

from __future__ import annotations

import pytest

from mooring.observe.occurrences import BURST, MOST, REFILL_SECONDS, Occurrences


def test_the_same_event_again_is_a_count() -> None:
    """It knows since when it occurs, and when last."""
    held = Occurrences()
    held.note("db1", 10.0)
    found = held.note("db1", 12.0)
    assert found is not None
    assert (found.first_at, found.last_at, found.count) == (10.0, 12.0, 2)
    other = held.note("db2", 13.0)
    assert other is not None
    assert other.count == 1


def test_after_a_burst_one_is_posted_in_each_interval() -> None:
    """Each Event has its own; what was held back is in the count of the next one."""
    held = Occurrences()
    assert sum(held.note("db1", 0.0) is not None for _ in range(BURST + 10)) == BURST
    assert held.note("db2", 0.0) is not None
    found = held.note("db1", REFILL_SECONDS + 1)
    assert found is not None
    assert found.count == BURST + 11
    assert held.note("db1", REFILL_SECONDS + 2) is None


@pytest.mark.parametrize("back", [0.0, -3600.0])
def test_a_clock_that_is_set_back_costs_no_event(back: float) -> None:
    """Nor does it give more than the burst."""
    held = Occurrences()
    assert sum(held.note("db1", 5000.0 + back * number) is not None for number in range(BURST + 5)) == BURST


def test_a_thousand_events_are_remembered() -> None:
    """The one that occurred least lately is forgotten, and begins anew."""
    held = Occurrences()
    for number in range(MOST + 1):
        held.note(number, 0.0)
    forgotten, kept = held.note(0, 1.0), held.note(MOST, 1.0)
    assert forgotten is not None
    assert kept is not None
    assert (forgotten.count, kept.count) == (1, 2)
