"""Waiting for something that happens elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_BUSY = 4.0
"""A deadline is what a quiet machine needs at most. A busy one gets so many times that."""


def wait_until(predicate: Callable[[], T], timeout: float, what: str, *, every: float = 0.01) -> T:
    """Asks until the answer is true, and returns it.

    Raises:
        TimeoutError: it was not, within ``timeout`` seconds of a quiet machine; the message says ``what`` and the
            last answer.
    """
    seconds = _BUSY * timeout
    if answer := _asked(predicate, seconds, every):
        return answer
    raise TimeoutError(f"waited {seconds:g} s for {what}; last seen: {answer!r}")


def happens(predicate: Callable[[], object], seconds: float, *, every: float = 0.05) -> bool:
    """Whether the answer becomes true within so many seconds by the clock; for what should not happen."""
    return bool(_asked(predicate, seconds, every))


def _asked(predicate: Callable[[], T], seconds: float, every: float) -> T:
    """The first true answer; the last one where none was true in time."""
    until = time.monotonic() + seconds
    while not (answer := predicate()) and time.monotonic() < until:
        time.sleep(every)
    return answer
