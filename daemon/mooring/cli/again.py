"""Starts the daemon again, in the same process, where the system let it make too few threads at its start."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

from mooring.observe import streams

WAITS = "_MOORING_STARTS_AGAIN_AFTER"
"""The environment variable with the seconds that this start waits first."""
FIRST_SECONDS, LAST_SECONDS = 1.0, 30.0
WHY = (
    "cannot start: this process may have no thread more. Raise pids.max of its control group, TasksMax of its unit or "
    "podPidsLimit of its node"
)


def lacks_thread(error: RuntimeError) -> bool:
    """Whether the process may have no thread more."""
    return "start new thread" in str(error)  # Python has no type for it


def wait_for_turn(ended: threading.Event) -> bool:
    """Waits as long as the start before asked for; returns whether the daemon should end instead."""
    seconds = float(os.environ.get(WAITS, "0"))
    return ended.wait(seconds)


def start_again() -> NoReturn:
    """Replaces this process by one with the same command line, which waits first: twice as long each time."""
    seconds = min(LAST_SECONDS, max(FIRST_SECONDS, 2 * float(os.environ.get(WAITS, "0"))))
    streams.complain(f"{WHY}; trying again in {seconds:g} s")
    os.environ[WAITS] = str(seconds)
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 -- this very command
