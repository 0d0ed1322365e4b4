"""What goes on for long leaves nothing behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.model.probes import Report
from mooring.model.spec import ProbeTimings
from mooring.probe.engine import Engine
from support.login_burst import Rush
from support.probe_once import target_of

PEERS = 25
WARM, CYCLES = 4_000, 10_000
TERMS = ProbeTimings(period=0.05, edge=0.01, login=60.0, confirmations=3, login_stated=60.0)
GROWTH_KIB = 4096
"""The allocator grows in steps of a megabyte; a kilobyte lost in each cycle would be ten of them."""


class Asker:
    """Gives a target its next turn as soon as the last one is over; counts the reports."""

    def __init__(self) -> None:
        self.count = 0
        self.engine = Engine(self._take, lambda _target: None, Clocks())

    def _take(self, reports: Sequence[Report]) -> None:
        self.count += len(reports)
        self.engine.ask({report.target for report in reports})


@pytest.fixture
def rush() -> Iterator[Rush]:
    """Servers that answer a login and reset the session at once."""
    with Rush([f"127.1.1.{number}" for number in range(1, PEERS + 1)], resets=True) as made:
        yield made


def _wait_logins(rush: Rush, wanted: int) -> None:
    wait_until(lambda: rush.look()["logins"] >= wanted, 90, f"{wanted} logins", every=0.1)


def _resident_kib() -> int:
    return next(
        int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")
    )


def _descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.fault(
    "host",
    "Sessions are lost ten thousand times",
    "Descriptors, threads and memory are as before.",
    within="nothing moves",
)
def test_ten_thousand_lost_sessions_leave_nothing_behind(rush: Rush) -> None:
    """Descriptors, threads and memory are after 10,000 more logins and resets what they were, and end with it."""
    targets = [target_of("redis", f"127.1.1.{number}", rush.port, timeout=0.2) for number in range(1, PEERS + 1)]
    descriptors, threads = _descriptors(), threading.active_count()
    asker = Asker()
    asker.engine.start()
    asker.engine.assign(dict.fromkeys(targets, TERMS))
    asker.engine.ask(targets)
    figures = []
    for wanted in (WARM, WARM + CYCLES):
        _wait_logins(rush, wanted)
        figures.append((_descriptors(), threading.active_count(), _resident_kib()))
    asker.engine.assign({})
    asker.engine.stop(5)
    (*_, warm), (opened, active, resident) = figures
    print(f"{asker.count} probes; RSS {warm} -> {resident} KiB, {active} threads, {opened} descriptors")  # noqa: T201 -- shown when it fails
    assert resident - warm < GROWTH_KIB
    assert active <= threads + 1 + 50, "the loop, and the pool of logins"
    assert opened <= descriptors + 3 + 2 * PEERS
    del asker
    wait_until(lambda: _descriptors() <= descriptors, 10, "every descriptor to be closed")
