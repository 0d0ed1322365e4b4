"""Time, as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


def _boot() -> float:
    """CLOCK_BOOTTIME, clock_gettime(2)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Monotonic seconds for what is counted, Unix seconds for what is shown.

    ``boot`` is as monotonic, and goes on while the machine is suspended.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    boot: Callable[[], float] = _boot
