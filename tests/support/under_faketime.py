"""Run under libfaketime: asks three targets every 0.4 s, prints when by the monotonic clock, and each jump noticed."""

from __future__ import annotations

import sys
import threading
import time

from lab.values import target
from mooring.model.clocks import Clocks
from mooring.model.targets import Target
from mooring.probe.schedule import Schedule

PERIOD = 0.4
LOCK = threading.Lock()


def say(word: str, value: float) -> None:
    with LOCK:
        sys.stdout.write(f"{word} {value:.3f} {time.monotonic():.3f}\n")
        sys.stdout.flush()


def ask(asked: tuple[Target, ...]) -> None:
    for one in asked:
        say("ask", float(one.port))


if __name__ == "__main__":
    schedule = Schedule(ask, lambda seconds: say("jump", seconds), Clocks())
    schedule.start()
    schedule.assign({target(port=port): PERIOD for port in (1, 2, 3)})
    sys.stdin.read()
    schedule.stop()
