"""Two daemons over one Lease, each in a network namespace of its own, and a random walk of faults at both.

What is judged: who wrote while who led, by etcd's own order; a host that nobody hurt was never out; a host that was
dead left, as soon as there was somebody for long enough who could see that and write.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import yaml

from kube.daemon import ClusterDaemon
from kube.full_cluster import Cluster
from kube.lease_history import Tenures
from kube.two_daemons import LEASE, TOOLS
from kube.versions import LEASES, Versions
from lab.configuration import file, service
from lab.history import Version, addresses
from lab.network import Host
from lab.process import start_all
from lab.servers import Redis
from lab.unread import Unread
from support.random_faults import Step

DATABASES, HOMES = (41, 42, 43, 44), (46, 47)
PERIOD = 0.3
LEASE_TIMES = "2,1.4,0.25"
WRITER = "mooring/writer"
FREEZE, CUT, UNREAD, KILL = "freeze", "cut", "unread", "kill"
LEADER = "leader"
"""Whoever leads when the step is taken."""


_DAEMONS = {FREEZE: (0.3, 5.0), CUT: (0.3, 2.0), UNREAD: (4.0, 8.0)}
_KINDS: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"db2": {KILL: (0.3, 4.0), FREEZE: (0.3, 4.0)}, "one": _DAEMONS, "two": _DAEMONS}
)
"""What happens to whom, from how short to how long."""


class Span(NamedTuple):
    """A fault while it lasted, in monotonic seconds."""

    who: str
    fault: str
    start: float
    end: float


class ContestingDaemon(Unread, ClusterDaemon):
    """One daemon in the namespace of ``home``, whose way to the databases can be cut."""

    def __init__(self, config: str, cluster: Cluster, namespace: str, home: Host, databases: Iterable[str]) -> None:
        args = ("--lease-namespace", namespace, "--lease-name", LEASE, "--log-level", "debug")
        program = (sys.executable, "-m", "kube.candidate", LEASE_TIMES)
        env = {"PYTHONPATH": str(TOOLS)}
        super().__init__(config, cluster, args=args, env=env, program=program, netns=home.netns)
        self._home, self._databases = home, ", ".join(databases)
        self.was_full = False
        self._cuts = 0

    def act(self, fault: str, *, over: bool) -> None:
        if fault == FREEZE:
            os.kill(self.pid, signal.SIGCONT if over else signal.SIGSTOP)
        elif fault == UNREAD:
            self.was_full = self.was_full or (over and self.log_is_full())
            (self.reading.set if over else self.reading.clear)()
        else:
            self._cut(-1 if over else 1)

    def _cut(self, more: int) -> None:
        """Two cuts may overlap."""
        before, self._cuts = self._cuts, self._cuts + more
        if self._cuts == 0:
            self._home.heal()
        elif before == 0:
            chain = "type filter hook input priority 0"
            rule = f"ip saddr {{ {self._databases} }} drop"
            self._home.nft(f"table inet ground {{ chain input {{ {chain}; {rule}; }}; }}")


def steps_of(seed: int, seconds: float) -> list[Step]:
    """The first database dies for most of the walk, the second now and then; the others are never hurt.

    The leader is cut off once for so long that it must hand over, else each daemon has one fault after the other.
    """
    chance = random.Random(seed)
    dies, cut = chance.uniform(2, 6), chance.uniform(6, 12)
    steps = [*_pair("db1", KILL, dies, dies + 0.7 * seconds), *_pair(LEADER, CUT, cut, cut + 15)]
    for who, faults in _KINDS.items():
        now = 1.0
        for fault in _turns(chance, sorted(faults)):
            begun = now + chance.uniform(0.5, 3.0)
            now = begun + chance.uniform(*faults[fault])
            if now > seconds:
                break
            steps += _pair(who, fault, begun, now)
    return sorted(steps)


def _turns(chance: random.Random, kinds: list[str]) -> Iterator[str]:
    while True:
        yield from chance.sample(kinds, len(kinds))


def _pair(who: str, fault: str, start: float, end: float) -> list[Step]:
    return [Step(start, who, fault), Step(end, who, fault, over=True)]


class Leaders:
    """``with Leaders(cluster, namespace) as stage``: both daemons are ready, and the first one leads."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self.key, self.lease = f"{namespace}/redis", f"{namespace}/{LEASE}"
        self.hosts = {f"db{place}": cluster.host(number) for place, number in enumerate(DATABASES, 1)}
        self.servers = {
            name: Redis(netns=host.netns, address=host.address, port=6379) for name, host in self.hosts.items()
        }
        listed = [host.address for host in self.hosts.values()]
        config = file(service("redis", "redis", listed, namespace=namespace), period=PERIOD)
        homes = zip(("one", "two"), map(cluster.host, HOMES), strict=True)
        self.daemons = {name: ContestingDaemon(config, cluster, namespace, home, listed) for name, home in homes}
        self.spans: list[Span] = []
        self._begun: dict[tuple[str, str], tuple[str, float]] = {}
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            for server in self.servers.values():
                undo.callback(server.close)
            start_all(*self.servers.values())
            spec = {"ports": [{"name": "redis", "port": 6379}]}
            path = f"/api/v1/namespaces/{self._namespace}/services"
            self._cluster.rest.create(path, {"metadata": {"name": "redis"}, "spec": spec})
            self.written = undo.enter_context(Versions(self._cluster, self._namespace))
            self.held = undo.enter_context(Versions(self._cluster, self._namespace, LEASES))
            self.names: dict[str, str] = {}
            for name, daemon in self.daemons.items():
                undo.enter_context(daemon)
                daemon.wait_log("daemon.started", timeout=30)
                self.names[str(daemon.status()["identity"])] = name
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def address(self, name: str) -> str:
        return self.hosts[name].address

    def tenures(self) -> Tenures:
        return Tenures(self.held, self.lease)

    def stored(self) -> list[str]:
        """The ready addresses now."""
        return said(self.versions()[-1])[0] if self.versions() else []

    def versions(self) -> list[Version]:
        return self.written.of(self.key)

    def act(self, step: Step) -> None:
        if step.over:
            who, begun = self._begun.pop((step.host, step.fault))
        else:
            who = self.names[self.tenures().leaders[-1]] if step.host == LEADER else step.host
            self._begun[step.host, step.fault] = who, time.monotonic()
        self._strike(who, step.fault, over=step.over)
        if step.over:
            self.spans.append(Span(who, step.fault, begun, time.monotonic()))

    def _strike(self, who: str, fault: str, *, over: bool) -> None:
        if who in self.daemons:
            self.daemons[who].act(fault, over=over)
        elif fault == FREEZE:
            (self.servers[who].thaw if over else self.servers[who].freeze)()
        elif over:
            self.servers[who].start(wait=False)
        else:
            self.servers[who].kill()


def said(version: Version) -> tuple[list[str], list[str], str]:
    """Ready and not ready addresses, and the identity of who wrote that."""
    manifest: dict[str, Any] = yaml.safe_load(version.text or "{}")
    writer = manifest["metadata"]["annotations"][WRITER]
    return addresses(manifest, "addresses"), addresses(manifest, "notReadyAddresses"), writer


def windows(within: Sequence[tuple[float, float]], troubles: Iterable[Span]) -> list[tuple[float, float]]:
    """What is left of these times without the troubles."""
    left = list(within)
    for trouble in troubles:
        left = [
            part
            for start, end in left
            for part in ((start, min(end, trouble.start)), (max(start, trouble.end), end))
            if part[0] < part[1]
        ]
    return left


def ready_late(
    versions: Sequence[Version], address: str, able: Iterable[tuple[float, float]], bound: float
) -> list[float]:
    """When it still was stored as ready, though for ``bound`` seconds before there was somebody able to take it out."""
    states = [(version.seen, address in said(version)[0]) for version in versions]
    ends = [seen for seen, _ in states[1:]] + [float("inf")]
    return [
        start + bound
        for start, end in able
        for (seen, ready), until in zip(states, ends, strict=True)
        if ready and max(seen, start + bound) < min(until, end)
    ]
