# ruff: noqa: INP001 -- a program, no package
"""CPU of a daemon with few hosts: what goes on whether anything happens or not.

    PYTHONPATH=tools .venv/bin/python -m bench.idle [HOSTS [PERIOD]]

One real Redis listens on all addresses, in a namespace: this wants root. Nobody asks the daemon for anything meanwhile.
"""

from __future__ import annotations

import sys
import time

from bench.beside import addresses, mooring, stage
from bench.usage import cpu, spread, tell

SETTLE_SECONDS, SECONDS, ROUNDS = 15.0, 20.0, 3


def main(hosts: int, period: float) -> None:
    with stage("redis") as (network, (redis,)):
        places = {"redis": [(address, redis.port) for address in addresses(hosts)]}
        with mooring(places, network.node.netns, period=period, timeout=min(1.0, period)) as daemon:
            time.sleep(SETTLE_SECONDS)
            parts = []
            for _ in range(ROUNDS):
                used, begun = cpu(daemon.pid), time.monotonic()
                time.sleep(SECONDS)
                parts.append(100 * (cpu(daemon.pid) - used) / (time.monotonic() - begun))
    tell(f"CPU of one core, {hosts} hosts at {period:g} s", "<= 0.15 %", f"{spread(parts)} %")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 2, float(given[1]) if len(given) > 1 else 2.0)
