"""All that an oracle needs to know of a run, gathered while a walk goes on."""

from __future__ import annotations

import ipaddress
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from lab.history import Version
from lab.mooring import Daemon
from support.background import Background
from support.oracle import Oracle, Outage, Stall
from support.probe_evidence import read_probes
from support.random_faults import Step
from support.twenty_hosts import ALLOWED, Field

_ESTABLISHED = "01"


def _peer(address: str, port: int) -> str:
    """As /proc/net/tcp has it: the bytes of the address as a little-endian number (proc_pid_net(5))."""
    return f"{int.from_bytes(ipaddress.IPv4Address(address).packed, sys.byteorder):08X}:{port:04X}"


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
        self.recent: list[Step] = []
        self.crowded = ""
        """Where most sessions were seen, and the steps before."""
        self.threads = self.descriptors = self.kilobytes = self.sessions = 0

    def _run(self) -> None:
        """Sleeps little and often: whoever oversleeps was not let run, and neither was the daemon."""
        before = time.monotonic()
        while not self._ending.wait(0.005):
            now = time.monotonic()
            if now - before > 0.02:
                self._stalls.append(Stall(now, now - before - 0.005))
            before = now

    def count(self) -> None:
        """Notes the most threads, open descriptors and memory that the daemon had, and the most sessions of a host."""
        process = Path(f"/proc/{self._daemon.pid}")
        self.threads = max(self.threads, sum(1 for _ in (process / "task").iterdir()))
        self.descriptors = max(self.descriptors, sum(1 for _ in (process / "fd").iterdir()))
        self.sessions = max(self.sessions, self._most_sessions(process))
        self.kilobytes = int((process / "status").read_text().partition("VmHWM:")[2].split()[0])

    def _most_sessions(self, process: Path) -> int:
        """Of the host that has most: connections that are established on the daemon's side, to hung servers, too."""
        rows = [line.split() for line in (process / "net/tcp").read_text().splitlines()[1:]]
        # A table that changes while it is read may list a connection twice.
        peers = Counter(peer for _, peer in {(words[1], words[2]) for words in rows if words[3] == _ESTABLISHED})
        found = {name: peers[_peer(server.address, server.port)] for name, server in self._field.servers.items()}
        most = max(found, key=lambda name: found[name])
        if found[most] > self.sessions:
            self.crowded = f"{found[most]} at {most} ({self._field.protocols[most]}) {self.recent[-12:]}"
        return found[most]

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
            self.recent.append(step)
            self.count()
            yield step
