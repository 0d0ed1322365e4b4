"""A lost session is evidence, not a verdict: when it is confirmed, and how fast. Pure; times are monotonic seconds."""

from __future__ import annotations

from collections import deque

from mooring.model import Observation
from mooring.reasons import Reason

STORM_SECONDS = 1.0
STORM_HOSTS = 3
STORM_PART = 0.5


def confirms(observation: Observation, *, greeted: bool) -> bool:
    """A fresh connection was refused, or closed without a word: nobody serves there at this moment."""
    return observation.reason is Reason.REFUSED or (observation.reason is Reason.RESET and not greeted)


class Losses:
    """The sessions that were lost lately: one is news of a host, many at once are rather news of ourselves."""

    def __init__(self) -> None:
        self._lately: deque[tuple[float, str]] = deque()

    def note(self, now: float, address: str) -> None:
        self._lately.append((now, address))

    def storm(self, now: float, held: int) -> bool:
        """Three hosts or more, or over half of all sessions, were lost within a second; ``held`` are still there."""
        while self._lately and self._lately[0][0] < now - STORM_SECONDS:
            self._lately.popleft()
        lost = len(self._lately)
        hosts = len({address for _, address in self._lately})
        return hosts >= STORM_HOSTS or lost > STORM_PART * (lost + held)
