"""Real daemons over one Lease of a real API server, each with ways of its own to two real Redis servers.

A test cuts the way of one daemon to one server, or freezes a daemon, or lets a thread of it hang.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Sequence
from http import HTTPStatus
from typing import Self

from kube.api import Api
from kube.candidate import HANGS
from kube.daemon import ClusterDaemon
from kube.lease_history import Tenures
from kube.redis_services import BOTH, ONE, TWO, Published, Stage, last, redis_servers
from kube.two_daemons import LEASE, TOOLS
from kube.versions import LEASES, Versions
from lab.configuration import at, file, service
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import wait_until
from support.relay import Relay

LONGEST_LINE = 1024
"""Bytes of the log."""
USUAL = "15,10,2"
QUICK = "6,4,0.25"
"""Longer than a machine stands still now and then: else its leader changes though nobody hurt it."""


class _Unread(ClusterDaemon):
    """Nobody reads what it writes: its pipe is small, and soon full."""

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, mmap.PAGESIZE)
        process.wait()


class Replica:
    """One daemon and its ways: ``with Replica(...) as replica``."""

    def __init__(
        self,
        stage: Stage,
        servers: Sequence[Redis],
        number: int,
        timings: str,
        *,
        names: Sequence[str] = ("db",),
        read: bool = True,
        cut: bool = False,
    ) -> None:
        """``names`` are the Services of its file; without ``read`` nobody reads its log, which has every probe.

        ``cut``: it never had a way to the servers.
        """
        self._stage = stage
        self._kind = ClusterDaemon if read else _Unread
        self._undo = contextlib.ExitStack()
        self._begins_cut = cut
        self._servers, self._number, self._timings, self._names = servers, number, timings, names

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            homes = (f"127.0.{10 + self._number}.{host}" for host in (1, 2))
            self.ways = [
                undo.enter_context(Relay(server.address, server.port, home))
                for server, home in zip(self._servers, homes, strict=True)
            ]
            if self._begins_cut:
                self.cut()
            hosts = [at(ip, way) for ip, way in zip((ONE, TWO), self.ways, strict=True)]
            services = [service(name, "redis", hosts, namespace=self._stage.namespace) for name in self._names]
            self.hangs = self._stage.api.directory / f"hangs-{self._stage.namespace}-{self._number}"
            env = {"PYTHONPATH": str(TOOLS), HANGS: str(self.hangs)}
            level = "info" if self._kind is ClusterDaemon else "debug"
            args = ("--lease-namespace", self._stage.namespace, "--lease-name", LEASE, "--log-level", level)
            program = (sys.executable, "-m", "kube.candidate", self._timings)
            made = self._kind(file(*services, period=0.3), self._stage.api, args=args, env=env, program=program)
            undo.callback(self.hangs.unlink, missing_ok=True)
            self.daemon: Daemon = undo.enter_context(made)
            wait_until(self._answers, 30, "the daemon to answer")
            self.name = str(self.daemon.status()["identity"])
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.daemon.get("/livez")[0] == HTTPStatus.OK
        return False

    def log_is_full(self) -> bool:
        """What writes its log waits for a reader: a whole line may not fit any more."""
        waiting = bytearray(4)
        assert self.daemon.process.stdout is not None
        fcntl.ioctl(self.daemon.process.stdout, termios.FIONREAD, waiting)
        return mmap.PAGESIZE - int.from_bytes(waiting, sys.byteorder) < LONGEST_LINE

    @property
    def leads(self) -> bool:
        return bool(self.daemon.status()["leader"])

    def cut(self, *which: int) -> None:
        """Its ways to these servers, by default to both."""
        for way in which or range(len(self.ways)):
            self.ways[way].cut()

    def mend(self) -> None:
        for way in self.ways:
            way.mend()

    def freeze(self) -> None:
        os.kill(self.daemon.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.daemon.pid, signal.SIGCONT)

    def hang(self) -> None:
        """A thread of it stands still from now on."""
        self.hangs.touch()

    def go_on(self) -> None:
        self.hangs.unlink()

    def wait_blind(self) -> None:
        self.daemon.wait_log("blind.start", timeout=30)


class Replicas:
    """``with Replicas(api, namespace) as stage``; ``add`` begins a daemon, the first one leads."""

    def __init__(self, api: Api, namespace: str, *, timings: str = USUAL) -> None:
        self.stage = Stage(api, namespace)
        self._api, self._timings = api, timings
        self._undo = contextlib.ExitStack()
        self.made: list[Replica] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self.stage.serve("db")
            self.servers = undo.enter_context(redis_servers(2))
            self.written = undo.enter_context(Versions(self._api, self.stage.namespace))
            self.held = undo.enter_context(Versions(self._api, self.stage.namespace, LEASES))
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def add(
        self, names: Sequence[str] = ("db",), *, ready: bool = True, read: bool = True, cut: bool = False
    ) -> Replica:
        """One more daemon; ``ready``: it is waited for. The others are as of ``Replica``."""
        made = Replica(self.stage, self.servers, len(self.made), self._timings, names=names, read=read, cut=cut)
        self.made.append(self._undo.enter_context(made))
        if ready:
            self.wait_ready(made)
        return made

    def wait_ready(self, made: Replica) -> None:
        """It knows every host, its observer Lease is there, and what it would publish is stored."""
        wait_until(lambda: made.daemon.get("/readyz")[0] == 200, 30, "the daemon to be ready")
        wait_until(lambda: made.name in self.observers(), 30, "its observer Lease")
        if made is self.made[0]:
            self.wait_published(BOTH)
            wait_until(lambda: made.leads, 30, "the first daemon to lead")

    def observers(self) -> set[str]:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.stage.namespace}/leases"
        found = self._api.rest.get(path)["items"]
        return {
            str(one["spec"].get("holderIdentity")) for one in found if one["metadata"]["name"].startswith(f"{LEASE}-")
        }

    def wait_published(self, wanted: Published, seconds: float = 30) -> None:
        key = self.stage.key()
        wait_until(
            lambda: self.written.of(key) and last(self.written, key) == wanted, seconds, f"{wanted} to be stored"
        )

    def wait_leader(self, wanted: Replica, seconds: float) -> None:
        wait_until(lambda: self.tenures().leaders[-1:] == [wanted.name] and wanted.leads, seconds, "another leader")

    def tenures(self) -> Tenures:
        return Tenures(self.held, self.stage.key(LEASE))

    def leaders(self) -> list[str]:
        """Who took the Lease, one after the other."""
        return self.tenures().leaders
