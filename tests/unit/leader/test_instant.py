"""How old a renewal is where clocks stood still, each clock set by hand."""

from __future__ import annotations

import pytest

from mooring.leader.instant import Instant, elapsed

THEN = Instant(monotonic=100.0, boot=200.0, wall=3000.0, date=3000.0)


@pytest.mark.parametrize(
    ("what", "now", "seconds"),
    [
        ("all run alike", Instant(104.0, 204.0, 3004.0, 3004.0), 4.0),
        ("suspended: the monotonic clock stood still", Instant(101.0, 3801.0, 6601.0, 3000.0), 3601.0),
        (
            "paused: all of its clocks stood still, and the API server answered",
            Instant(101.0, 201.0, 3001.0, 3060.0),
            59.0,
        ),
        ("paused: the wall clock was set right meanwhile", Instant(101.0, 201.0, 3061.0, 3000.0), 61.0),
        ("the wall clock was set back", Instant(104.0, 204.0, -600.0, 3004.0), 4.0),
        ("the API server's clock was set back", Instant(104.0, 204.0, 3004.0, 0.0), 4.0),
        ("the API server has said no date", Instant(104.0, 204.0, 3004.0, None), 4.0),
    ],
)
def test_the_clock_that_makes_it_oldest_counts(what: str, now: Instant, seconds: float) -> None:
    """One clock that ran is enough to doubt those that stood still; one that was set back makes nothing younger."""
    assert elapsed(THEN, now) == seconds, what


def test_without_a_first_date_there_is_nothing_to_compare() -> None:
    """The date of the API server counts from the first renewal that it answered."""
    assert elapsed(Instant(100.0, 200.0, 3000.0), Instant(101.0, 201.0, 3001.0, 9e9)) == 1.0
