"""Waiting for something that happens elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(predicate: Callable[[], T], timeout: float, what: str, *, every: float = 0.01) -> T:
    """Asks until the answer is true, and returns it.

    Raises:
        TimeoutError: it was not, within ``timeout`` seconds; the message says ``what`` and the last answer.
    """
    until = time.monotonic() + timeout
    while not (answer := predicate()):
        if time.monotonic() >= until:
            raise TimeoutError(f"waited {timeout:g} s for {what}; last seen: {answer!r}")
        time.sleep(every)
    return answer
