# ruff: noqa: INP001, S603 -- a fixed command
"""HAProxy as a throw-away process with one thread, which checks servers and carries no traffic."""

from __future__ import annotations

import contextlib
import csv
import re
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from lab import leftovers
from lab.child import Child
from lab.network import inside
from lab.process import command
from lab.waiting import wait_until

USER = "haproxy"
"""The account, without a password, that its check of MySQL logs in as."""
CHECKS = {
    "mysql": (f"option mysql-check user {USER}",),
    "redis-info": (
        "option tcp-check",
        r"tcp-check send PING\r\n",
        "tcp-check expect string +PONG",
        r"tcp-check send INFO\ replication\r\n",
        "tcp-check expect string role:slave",
    ),
    "redis": ("option tcp-check", r"tcp-check send PING\r\n", "tcp-check expect string +PONG"),
}
_WORD = 65536
_DOWN = re.compile(r"Server \w+/(\w+) is DOWN")


@dataclass(frozen=True, slots=True)
class Backend:
    """Servers that are checked alike; ``timing`` are words of ``default-server``, ``timeout`` milliseconds."""

    protocol: str
    places: Sequence[tuple[str, int]]
    timing: str
    timeout: int = 1000

    def lines(self) -> list[str]:
        servers = [f"server {self.protocol}{n} {at}:{port} check" for n, (at, port) in enumerate(self.places)]
        times = [f"timeout connect {self.timeout}ms", f"timeout check {self.timeout}ms"]
        body = [*times, *CHECKS[self.protocol], f"default-server {self.timing}", *servers]
        return [f"backend {self.protocol}", *(f"  {line}" for line in body)]


class HaProxy(Child):
    """``with HaProxy(backends, netns=...) as haproxy``: runs, and every server of it is up."""

    kind = "haproxy"

    def __init__(self, *backends: Backend, netns: str | None) -> None:
        self._backends = backends
        self._netns = netns
        self._undo = contextlib.ExitStack()
        self.directory = self._undo.enter_context(leftovers.scratch(self.kind))
        self.socket = self.directory / "stats.sock"
        self._log = self._undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self._downs: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        program = command(self.kind)
        if program is None:
            raise RuntimeError("haproxy is not installed")
        log = self.directory / "log.sock"
        self._log.bind(str(log))
        head = ["global", "  nbthread 1", "  maxconn 4000", f"  stats socket {self.socket}", f"  log {log} local0"]
        common = ["defaults", "  mode tcp", "  log global", "  timeout client 1s", "  timeout server 1s"]
        lines = [*head, *common, *(line for backend in self._backends for line in backend.lines())]
        config = self.directory / "haproxy.cfg"
        config.write_text("\n".join(lines) + "\n")
        threading.Thread(target=self._read, name="haproxy log", daemon=True).start()
        with inside(self._netns):
            self._process = subprocess.Popen([program, "-db", "-q", "-f", str(config)])
        wait_until(lambda: self.socket.exists() and set(self.states().values()) == {"UP"}, 30, "all servers to be up")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._log.shutdown(socket.SHUT_RDWR)
        self._undo.close()

    def _read(self) -> None:
        while line := self._log.recv(_WORD):
            if found := _DOWN.search(line.decode()):
                self._downs.append((time.time(), found[1]))

    def down_since(self, moment: float, name: str) -> float | None:
        """When, in Unix seconds, it called that server down after that moment; None: not yet."""
        return next((at for at, one in self._downs if one == name and at >= moment), None)

    def states(self) -> dict[str, str]:
        """The status of each server, by its name."""
        rows = list(csv.reader(self.ask("show stat -1 4 -1").removeprefix("# ").splitlines()))
        status = rows[0].index("status")
        return {row[1]: row[status].partition(" ")[0] for row in rows[1:] if row}

    def ask(self, words: str) -> str:
        """One command of its control socket, and the answer."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.socket))
            control.sendall(f"{words}\n".encode())
            return b"".join(iter(lambda: control.recv(_WORD), b"")).decode()
