"""Two real daemons and one Lease: each sees another host dead, so what is stored shows who wrote it.

The first one's file has the second host where nobody listens; in the second one's both are alive.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from kube.api import Api
from kube.daemon import ClusterDaemon
from kube.lease_history import Tenures
from kube.redis_services import BOTH, FIRST, ONE, PORT, TWO, Stage, last, published
from kube.versions import LEASES, Versions
from lab.configuration import file, service
from lab.mooring import Daemon
from lab.waiting import wait_until

TOOLS = Path(__file__).resolve().parents[1]
SHORT = "6,4,0.25"
"""Longer than a machine stands still now and then: else its leader changes though nobody hurt it."""
LEASE = "mooring"


class _Patient(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while self.request.recv(1024):
                pass


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextlib.contextmanager
def _accepting() -> Iterator[int]:
    """A port that takes every connection: a queue that nobody empties is full after 25 s."""
    with _Server(("127.0.0.1", 0), _Patient) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), name="accepting", daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@contextlib.contextmanager
def _refusing() -> Iterator[int]:
    """A port that refuses every connection, and that nobody else can get meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


class Pair:
    """``with Pair(api, namespace) as pair``: the first daemon leads, the second stands by."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        *,
        timings: str = SHORT,
        env: Mapping[str, str] | None = None,
        kubeconfig: Path | None = None,
    ) -> None:
        """``env`` and ``kubeconfig`` are the first daemon's."""
        self.stage = Stage(api, namespace)
        self._api = api
        self._timings = timings
        self._first = env, kubeconfig
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self._undo = undo
            self.stage.serve("db")
            self.written = self._undo.enter_context(Versions(self._api, self.stage.namespace))
            self.held = self._undo.enter_context(Versions(self._api, self.stage.namespace, LEASES))
            self.alive = self._undo.enter_context(_accepting())
            self.first = self.begin(self._undo.enter_context(_refusing()), *self._first)
            wait_until(lambda: self.last() == FIRST, 20, "the first daemon's verdicts")
            self.second = self.begin(self.alive)
            self.second.wait_log("leader.seen", holder=self.first.status()["identity"], timeout=20)
            wait_until(lambda: self.second.get("/readyz")[0] == 200, 20, "the standby to be ready")
            self.names = [one.status()["identity"] for one in (self.first, self.second)]
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def begin(
        self,
        second_port: int,
        env: Mapping[str, str] | None = None,
        kubeconfig: Path | None = None,
        args: Sequence[str] = (),
    ) -> Daemon:
        """A daemon that finds the first host alive and the second at this port."""
        ports = {ONE: self.alive, TWO: second_port}
        hosts = [{"address": ip, "probeAddress": "127.0.0.1", "probePort": port} for ip, port in ports.items()]
        text = file(service("db", "tcp", hosts, namespace=self.stage.namespace, ports=[PORT]))
        args = ("--lease-namespace", self.stage.namespace, "--lease-name", LEASE, *args)
        program = (sys.executable, "-m", "kube.candidate", self._timings)
        env = {"PYTHONPATH": str(TOOLS), **(env or {})}
        made = ClusterDaemon(text, self._api, kubeconfig=kubeconfig, args=args, env=env, program=program)
        return self._undo.enter_context(made)

    def last(self) -> object:
        return last(self.written, self.stage.key()) if self.written.of(self.stage.key()) else None

    def wait_taken_over(self, seconds: float = 30) -> None:
        wait_until(lambda: self.last() == BOTH, seconds, "the second daemon's verdicts to be stored")

    def assert_one_writer(self) -> None:
        """One change of the leader, one write of the new one, none by who did not lead, and nobody is accused."""
        newest = self.written.all()[-1].revision
        wait_until(lambda: self.held.all()[-1].revision > newest, 30, "a renewal after the last write")
        found = published(self.written, self.stage.key())
        assert found[found.index(FIRST) :] == [FIRST, BOTH]
        tenures = Tenures(self.held, self.stage.key(LEASE))
        versions = self.written.of(self.stage.key())
        by = [self.names[said == BOTH] for said in found]
        assert tenures.stale(zip(by, versions, strict=True)) == []
        assert (tenures.leaders, tenures.transitions) == (self.names, 1)
        for daemon in (self.first, self.second):
            assert not daemon.logs("endpoints.repaired") + daemon.logs("endpoints.refused")
