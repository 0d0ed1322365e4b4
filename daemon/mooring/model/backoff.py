"""How long to wait after one more failure in a row."""

from __future__ import annotations

import random

_DOUBLINGS = 16


def doubled(first: float, most: float, failures: int) -> float:
    """Seconds after so many failures in a row, 1 or more: ``first``, then twice as long each time, at most ``most``."""
    return min(most, first * 2.0 ** min(failures - 1, _DOUBLINGS))


def jittered(seconds: float) -> float:
    """Between half and all of it, so that what failed together is not tried again together."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 -- no secret
