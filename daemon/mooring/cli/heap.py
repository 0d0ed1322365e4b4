"""Keeps Python's garbage collector away from what stays: a full collection stops every thread.

With 10,000 hosts one takes some hundred milliseconds, and came about once a minute.
"""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 10, 100)
"""New containers until a young collection, and how many of those until an older one (``gc.set_threshold``)."""
SETTLE_LOOKS = 10
"""Looks without another file before what has come with the last one is taken for lasting."""


class Heap:
    """For one thread. ``look`` is to be called again and again."""

    def __init__(self) -> None:
        gc.set_threshold(*THRESHOLDS)
        self._loaded_at: float | None = None
        self._looks = 0

    def look(self, loaded_at: float | None) -> None:
        """Collects once and freezes what is left, a moment after the start and after each reload.

        ``loaded_at``: when the file in force was taken up; None: not every host has been probed yet. What an earlier
        file left behind is frozen, too, so that it is let go first.
        """
        if loaded_at != self._loaded_at:
            self._loaded_at, self._looks = loaded_at, 0
        elif loaded_at is not None and self._looks <= SETTLE_LOOKS:
            self._looks += 1
            if self._looks == SETTLE_LOOKS:
                gc.unfreeze()
                gc.collect()
                gc.freeze()
