"""The composed daemon in this process, over a Lease in memory, where each renewal can be counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.listeners import closed_port
from lab.waiting import wait_until
from mooring.cluster.local import LocalCluster
from mooring.config import AddressPolicy, parse
from mooring.daemon import Daemon
from mooring.leader.election import Claim, Lease, LeaseTimings
from mooring.model.events import Event, HostChanged

FILE = """
version: 1
services:
- name: db
  ports: [{port: 80}]
  hosts: [{address: 10.20.0.1, probeAddress: 127.0.0.1, probePort: PORT}]
  check: {periodSeconds: 0.1, timeoutSeconds: 0.1, tcp: {}}
"""


class Store:
    """A ``LeaseStore`` with one user."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.written = 0

    def start(self, wake: Callable[[], None]) -> None: ...

    def stop(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        return True

    def date(self) -> float | None:
        return None

    def read(self) -> Lease | None:
        return self.lease

    def put(self, claimed: Claim, until: float) -> Lease:
        self.written += 1
        self.lease = replace(claimed.wanted, version=str(self.written))
        return self.lease


class Impatient(Daemon):
    """A thread that has not turned for a second stands still."""

    def alive(self, within: float = 1.0) -> str | None:
        return super().alive(min(within, 1.0))


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_daemon_whose_threads_stand_still_renews_the_lease_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: threading.Event
) -> None:
    """A listener that never returns stops what probes: the Lease runs out, and is taken again once all turns."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    hung = threading.Event()

    def listener(event: Event) -> None:
        if isinstance(event, HostChanged):
            hung.set()
            released.wait()

    text = FILE.replace("PORT", str(closed_port())).encode()
    config = parse(text, "config.yaml", AddressPolicy((), loopback_probes=True), ports_required=True)
    store = Store()
    timings = LeaseTimings(2.0, 1.0, 0.2)
    daemon = Impatient(config, LocalCluster(tmp_path), lease=store, listeners=(listener,), timings=timings)
    daemon.start()
    try:
        assert hung.wait(60)
        wait_until(lambda: daemon.alive() is not None and not daemon._leads(), 20, "the daemon to lead no more")
        before = store.written
        time.sleep(1)
        assert store.written == before
        released.set()
        wait_until(daemon._leads, 20, "the daemon to lead again")
    finally:
        released.set()
        daemon.stop()
