"""All that an oracle needs to know of a run, gathered while a walk goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ground.background import Background
from ground.evidence import read_probes
from ground.field import ALLOWED, Field
from ground.history import Version
from ground.mooring import Daemon
from ground.oracle import Oracle, Outage, Stall
from ground.walk import Step


class Recorded(Protocol):
    """Whoever keeps every version of what was published."""

    def all(self) -> list[Version]: ...


class Watch(Background):
    """``with Watch(field, daemon, history) as watch``: follows walks, and notes what the daemon and the machine do."""

    def __init__(self, field: Field, daemon: Daemon, history: Recorded) -> None:
        super().__init__()
        self._field = field
        self._daemon = daemon
        self._history = history
        self._offset = time.time() - time.monotonic()
        self._stalls: list[Stall] = []
        self.outages: list[Outage] = []
        """Of the API server; whoever makes them notes them here when they are over."""
        self.threads = self.descriptors = self.kilobytes = 0

    def _run(self) -> None:
        """Sleeps little and often: whoever oversleeps was not let run, and neither was the daemon."""
        before = time.monotonic()
        while not self._ending.wait(0.005):
            now = time.monotonic()
            if now - before > 0.02:
                self._stalls.append(Stall(now, now - before - 0.005))
            before = now

    def count(self) -> None:
        """Notes the most threads, open descriptors and memory that the daemon had."""
        process = Path(f"/proc/{self._daemon.pid}")
        self.threads = max(self.threads, sum(1 for _ in (process / "task").iterdir()))
        self.descriptors = max(self.descriptors, sum(1 for _ in (process / "fd").iterdir()))
        self.kilobytes = int((process / "status").read_text().partition("VmHWM:")[2].split()[0])

    def oracle(self, settled: float = 1.0) -> Oracle:
        """Judges what is older than ``settled`` seconds: its log lines and manifests have been read by now."""
        until = time.monotonic() - settled
        probes = read_probes(self._daemon.logs("probe"), self._offset)
        known = self._history.all()
        return Oracle(self._field.rules(), known, probes, until, ALLOWED, list(self._stalls), list(self.outages))

    def follow(self, steps: list[Step]) -> Iterator[Step]:
        """Does each step when its time has come, and yields it."""
        begun = time.monotonic()
        for step in steps:
            time.sleep(max(0.0, begun + step.at - time.monotonic()))
            self._field.act(step)
            self.count()
            yield step
