"""Moments as texts."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.model.moments import rfc3339


@pytest.mark.parametrize(
    ("at", "digits", "text"),
    [
        (0.0, 0, "1970-01-01T00:00:00Z"),
        (1795654317.75, 0, "2026-11-26T00:51:57Z"),
        (1795654317.75, 3, "2026-11-26T00:51:57.750Z"),
        (1795654317.0, 6, "2026-11-26T00:51:57.000000Z"),
        (1795654317.999999999, 3, "2026-11-26T00:51:58.000Z"),
        (0.5, 9, "1970-01-01T00:00:00.500000000Z"),
    ],
)
def test_a_moment_is_a_text_of_rfc_3339(at: float, digits: int, text: str) -> None:
    """In UTC, with as many digits as the reader takes: none for an Event, six for a Lease."""
    assert rfc3339(at, digits) == text


@given(st.floats(0, 4e9), st.sampled_from([0, 3, 6]))
def test_a_moment_comes_back(at: float, digits: int) -> None:
    """To its last digit, and never later than it was."""
    back = datetime.fromisoformat(rfc3339(at, digits)).timestamp()
    assert -1e-6 <= at - back <= 10**-digits + 1e-6
