"""The table of what Mooring leaves at each server."""

from __future__ import annotations

import noise
from noise import HEAD, Count


def _cells(asked: Count, busy: Count, own: int = 0) -> list[str]:
    """``own``: how much one more asking adds to each number."""
    once = Count(asked.lines, {name: count + own for name, count in asked.numbers.items()})
    row = noise._row("MySQL 9.7", (asked, once), busy).split(" | ")
    assert len(row) == len(HEAD)
    return row[1:]


def test_a_row_has_what_was_added_but_for_the_asking_itself() -> None:
    """Lines of the log, and the counters of broken connections."""
    names = ("Aborted_connects", "Aborted_clients", "Connection_errors")
    busy = Count(13, dict.fromkeys(names, 5))
    assert _cells(Count(10, dict.fromkeys(names, 1)), busy, own=1) == ["3", "2", "2", "2", ""]


def test_errors_of_redis_are_named() -> None:
    """Only those that were added."""
    asked = Count(0, {"ERR": 2})
    assert _cells(asked, Count(0, {"ERR": 2, "NOAUTH": 60})) == ["0", "", "", "", "NOAUTH 60"]
    assert _cells(asked, Count(0, {"ERR": 2})) == ["0", "", "", "", "0"]
