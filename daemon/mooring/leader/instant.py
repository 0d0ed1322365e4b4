"""The age of a moment by several clocks, so that no clock that stood still lets a leader write.

The monotonic clock stands still while a machine is suspended. All clocks of a guest may stand still while the guest is
paused or moved. The date in the last answer of the API server comes from another machine.
"""

from __future__ import annotations

from dataclasses import dataclass

DATE_SECONDS = 1.0
"""The resolution of the date in an HTTP answer (RFC 9110, 5.6.7)."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment, in seconds of each clock. ``date`` is None until the API server has sent one."""

    monotonic: float
    boot: float
    """As monotonic, but it runs on while the machine is suspended."""
    wall: float
    date: float | None = None


def elapsed(then: Instant, now: Instant) -> float:
    """The longest time between the two moments by any clock, in seconds."""
    said = 0.0 if then.date is None or now.date is None else now.date - then.date - DATE_SECONDS
    return max(now.monotonic - then.monotonic, now.boot - then.boot, now.wall - then.wall, said)
