"""Time, as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """Monotonic seconds for what is counted, Unix seconds for what is shown."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
