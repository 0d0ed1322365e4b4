# ruff: noqa: INP001 -- a script, no package
"""Seconds from the end of a leader to its successor's first stored write, with the timings that users have.

    PYTHONPATH=tools .venv/bin/python bench/handover.py [TIMES]

Two daemons and one Lease on a real API server on loopback, which the tests build. SIGTERM gives the Lease back; after
SIGKILL it runs out; a leader that was stopped for longer than it (SIGSTOP) is let go on and must write nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

from kube.api import Api
from kube.two_daemons import Pair

USUAL = "15,10,2"
WAYS: dict[str, Callable[[Pair], object]] = {
    "graceful (SIGTERM)": lambda pair: os.kill(pair.first.pid, signal.SIGTERM),
    "crash (SIGKILL)": lambda pair: os.kill(pair.first.pid, signal.SIGKILL),
    "stopped for 30 s (SIGSTOP)": lambda pair: os.kill(pair.first.pid, signal.SIGSTOP),
}


def measure(api: Api, way: str) -> float:
    with api.namespace() as namespace, Pair(api, namespace, timings=USUAL) as pair:
        begun = time.monotonic()
        WAYS[way](pair)
        pair.wait_taken_over(60)
        seconds = pair.written.all()[-1].seen - begun
        if "SIGSTOP" in way:
            time.sleep(max(0.0, begun + 30 - time.monotonic()))
            os.kill(pair.first.pid, signal.SIGCONT)
            pair.first.wait_log("leader.lost", timeout=20)
            time.sleep(2)
        pair.assert_one_writer()
        return seconds


def main() -> None:
    times = int(sys.argv[1]) if sys.argv[1:] else 1
    with Api() as api:
        for way in WAYS:
            taken = sorted(measure(api, way) for _ in range(times))
            sys.stdout.write(f"{way}: {', '.join(f'{seconds:.2f}' for seconds in taken)} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
