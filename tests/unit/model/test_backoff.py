"""Waits that double."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mooring.model.backoff import doubled, jittered


def test_a_wait_doubles_up_to_its_most() -> None:
    """The first failure waits ``first`` seconds, each further one twice as long, and none longer than ``most``."""
    assert [doubled(1.0, 60.0, failures) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(1, 10**9))
def test_no_number_of_failures_is_too_many(failures: int) -> None:
    """However long something fails, the wait stays a number within its bounds."""
    assert 0.1 <= doubled(0.1, 5.0, failures) <= 5.0


@given(st.floats(0.0, 1e6))
def test_a_jittered_wait_is_at_least_half(seconds: float) -> None:
    """Jitter never makes a wait longer, and never shorter than half."""
    assert seconds / 2 <= jittered(seconds) <= seconds
