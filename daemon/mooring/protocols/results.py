"""The result of ending the sessions of users."""

from __future__ import annotations

from dataclasses import dataclass

MOST_SESSIONS = 1000
"""Sessions that Mooring ends in one go at most, where the protocol ends them one by one."""


@dataclass(slots=True)
class KillResult:
    """Updated after each session, so that it is right also where the connection breaks; ``error`` is raw."""

    count: int = 0
    """Sessions that were ended."""
    error: str = ""
    """The first error, with what to do about it; empty: none."""

    def note_error(self, error: str) -> None:
        self.error = self.error or error
