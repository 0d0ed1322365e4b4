"""How often each Kubernetes Event occurred, and whether it may be posted now.

As client-go's: the same Event again raises the count of one object, and a source that repeats itself is held back.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

BURST = 25
"""Posts of one Event at once; after that one in ``REFILL_SECONDS``."""
REFILL_SECONDS = 300.0
MOST = 1000
"""Events that are remembered; the one that occurred least lately goes first."""


@dataclass(slots=True)
class Occurrence:
    """One Event; times are Unix seconds. ``name``: its object, once that is stored; ``about``: the uid it tells of."""

    first_at: float
    last_at: float
    count: int = 0
    name: str = ""
    about: str = ""
    allowance: float = BURST


class Occurrences:
    """For one thread."""

    def __init__(self) -> None:
        self._held: dict[Hashable, Occurrence] = {}

    def note(self, key: Hashable, at: float) -> Occurrence | None:
        """Counts it; None: it occurred too often to be posted now, and its count is posted with a later one."""
        one = self._held.pop(key, None) or Occurrence(at, at)
        self._held[key] = one
        if len(self._held) > MOST:
            del self._held[next(iter(self._held))]
        one.allowance = min(BURST, one.allowance + max(0.0, at - one.last_at) / REFILL_SECONDS)
        one.count, one.last_at = one.count + 1, at
        if one.allowance < 1:
            return None
        one.allowance -= 1
        return one
