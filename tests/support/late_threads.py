"""A pytest plugin: each thread, each task of a pool and each wake-up comes late by chance, as on a busy machine.

    LATE_SEED=7 LATE_SECONDS=0.1 pytest -p support.late_threads tests/unit

``LATE_SECONDS`` is the usual bound of a delay (0.03); some last six times as long. A test that fails here and passes
without it, or the product below it, has assumed who comes first.
"""

from __future__ import annotations

import concurrent.futures.thread as pool
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

SECONDS = float(os.environ.get("LATE_SECONDS", "0.03"))
ON_TIME, VERY_LATE, TIMES = 0.4, 0.03, 6
SWITCH_SECONDS = 1e-5
_chance = random.Random(f"{os.environ.get('LATE_SEED', '1')}-{os.environ.get('PYTEST_XDIST_WORKER', '')}")
_sleep = time.sleep


def _come_late() -> None:
    kind = _chance.random()
    if kind >= ON_TIME:
        _sleep(_chance.random() * SECONDS * (TIMES if kind > 1 - VERY_LATE else 1))


def _late_before(run: Callable[[Any], None]) -> Callable[[Any], None]:
    def late(one: Any) -> None:
        _come_late()
        run(one)

    return late


def _late_after(wait: Callable[..., bool]) -> Callable[..., bool]:
    def late(event: threading.Event, timeout: float | None = None) -> bool:
        found = wait(event, timeout)
        if threading.current_thread() is not threading.main_thread():
            _come_late()
        return found

    return late


def pytest_configure() -> None:
    """For the whole run: nothing is put back."""
    patch = pytest.MonkeyPatch()
    patch.setattr(threading.Thread, "run", _late_before(threading.Thread.run))
    patch.setattr(pool._WorkItem, "run", _late_before(pool._WorkItem.run))
    patch.setattr(threading.Event, "wait", _late_after(threading.Event.wait))
    sys.setswitchinterval(SWITCH_SECONDS)
