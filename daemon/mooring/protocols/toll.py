"""What a protocol that can end the sessions of others tells of it."""

from __future__ import annotations

from dataclasses import dataclass

MOST_SESSIONS = 1000
"""Ended in one go, where the protocol ends them one by one."""


@dataclass(slots=True)
class Toll:
    """Kept up to date on the way, so that it holds also where the talk breaks off; ``error`` is raw."""

    count: int = 0
    """Sessions that were ended."""
    error: str = ""
    """What hindered us first, with what to do about it; empty: nothing."""

    def hinder(self, error: str) -> None:
        self.error = self.error or error
