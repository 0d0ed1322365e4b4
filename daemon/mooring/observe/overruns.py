"""Which overruns of probes are worth a line of the log: a crowd of hosts may have thousands of them in a minute."""

from __future__ import annotations

import threading

from mooring.model.targets import Target

EVERY_SECONDS = 60.0
MOST_TARGETS = 1024


class OverrunLog:
    """The first overrun of a target is logged at once, the others by a line a minute with their count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[Target, tuple[float, int]] = {}
        """When the last line was due, and the overruns since."""

    def count(self, target: Target, now: float) -> int | None:
        """How many overruns the line for this one reports; None: it waits. ``now`` in monotonic seconds."""
        with self._lock:
            logged_at, waiting = self._seen.get(target, (-EVERY_SECONDS, 0))
            if now - logged_at < EVERY_SECONDS:
                self._seen[target] = logged_at, waiting + 1
                return None
            if len(self._seen) >= MOST_TARGETS:
                self._forget(now)
            self._seen[target] = now, 0
            return waiting + 1

    def _forget(self, now: float) -> None:
        """Targets that had no line in the last minute; a reload may have removed them."""
        self._seen = {target: seen for target, seen in self._seen.items() if now - seen[0] < EVERY_SECONDS}
