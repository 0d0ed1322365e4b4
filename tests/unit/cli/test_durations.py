"""Durations as people type them."""

from __future__ import annotations

import pytest

from mooring.cli.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h", 3600), ("90m", 5400), ("2h30m", 9000), ("45s", 45), ("1d", 86400)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    """As kubectl and HAProxy have them."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1 h", "-1h", "1.5h", "0s", "400d", "1h30", "9" * 50 + "h"])
def test_what_is_no_duration_says_what_to_write(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"is no time|is not between"):
        parse_duration(text)
