"""A Galera cluster of MariaDB, of Debian's packages: real certification, real state transfers by rsync."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from lab import leftovers
from lab.free_ports import free_port
from lab.process import command
from lab.servers import Mariadb
from lab.topologies.replication import ACCOUNTS
from lab.topologies.topology import Place, Topology
from lab.waiting import wait_until

_PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
_JOINING = 60.0
"""Seconds that a node may take: it waits until another can give it a whole copy."""
_OPTIONS = (
    "--binlog-format=ROW",
    "--innodb-autoinc-lock-mode=2",
    "--wsrep-on=ON",
    f"--wsrep-provider={_PROVIDER}",
    "--wsrep-cluster-name=mooring",
    "--wsrep-sst-method=rsync",
)
_PROVIDER_OPTIONS = {
    "gcache.size": "4M",
    "gcache.page_size": "4M",
    "pc.recovery": "false",  # a lost quorum stays lost until somebody says otherwise
}


def missing() -> list[str]:
    """What this machine lacks for it."""
    programs = [name for name in ("mariadbd", "rsync", "ss") if command(name) is None]
    return programs if _PROVIDER.exists() else [*programs, "galera-4"]


class GaleraNode(Mariadb):
    """One node. ``peers`` is whom it looks for at each start; with ``founding`` its next start founds the cluster."""

    def __init__(self, place: Place, number: int) -> None:
        super().__init__(address=place.address, netns=place.netns)
        self._name = f"node{number}"
        usual = (4567, 4568, 4444)
        ports = usual if place.netns else tuple(free_port(place.address) for _ in usual)
        self.group, self._increments, self._copies = (f"{place.address}:{port}" for port in ports)
        self.peers: tuple[str, ...] = ()
        self.founding = False

    def _command(self) -> list[str]:
        provider = {
            "gmcast.listen_addr": f"tcp://{self.group}",
            "ist.recv_addr": self._increments,
            **_PROVIDER_OPTIONS,
        }
        mine = [
            f"--wsrep-cluster-address=gcomm://{','.join(self.peers)}",
            f"--wsrep-node-name={self._name}",
            f"--wsrep-node-address={self.group}",
            f"--wsrep-sst-receive-address={self._copies}",
            f"--wsrep-provider-options={';'.join(f'{name}={value}' for name, value in provider.items())}",
        ]
        return [*super()._command(), *_OPTIONS, *mine, *(["--wsrep-new-cluster"] if self.founding else [])]

    def kill(self) -> None:
        """SIGKILL for it and for the scripts and programs of a state transfer, which it starts in its session."""
        super().kill()
        while self._process is not None and (left := list(_session(self.pid))):  # a script may just start another one
            leftovers.end(left)

    def wsrep(self, name: str) -> str:
        """One of its status variables, by the part of the name behind ``wsrep_``; a node that is not ready tells."""
        return str(self.sql(f"SHOW GLOBAL STATUS LIKE 'wsrep_{name}'")[0][1])

    def state(self) -> tuple[str, str, str]:
        """Of its cluster: Primary or non-Primary; its own; whether it takes queries (ON or OFF)."""
        return self.wsrep("cluster_status"), self.wsrep("local_state_comment"), self.wsrep("ready")

    def synced(self, size: int) -> bool:
        return (*self.state(), self.wsrep("cluster_size")) == ("Primary", "Synced", "ON", str(size))


def _session(leader: int) -> Iterator[int]:
    """The processes that run in its session, without itself."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != leader:
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(int(entry.name)) == leader and leftovers.alive(int(entry.name)):
                    yield int(entry.name)


class Galera(Topology[GaleraNode]):
    """All nodes Synced, in one Primary component; the application's table is there."""

    def _make(self, place: Place, number: int) -> GaleraNode:
        return GaleraNode(place, number)

    def _form(self) -> None:
        founder, *joiners = self.servers
        for node in self.servers:
            node.peers = tuple(peer.group for peer in self.servers)
        founder.founding = True
        founder.start()
        founder.founding = False
        for statement in ACCOUNTS:
            founder.sql(statement)
        self.rejoin(*joiners)

    @property
    def running(self) -> list[GaleraNode]:
        return [node for node in self.servers if node.running]

    def wait_synced(self) -> None:
        """Waits until all nodes that run are Synced, and see each other and nobody else."""
        for node in self.running:
            wait_until(partial(node.synced, len(self.running)), _JOINING, "the nodes to be Synced", every=0.05)

    def rejoin(self, *nodes: GaleraNode) -> None:
        """Starts what does not run of these, and waits until each got the data: another is a donor meanwhile."""
        for node in nodes:
            if not node.running:
                node.start(wait=False)
        for node in nodes:
            node.wait(_JOINING)
        self.wait_synced()

    def desync(self, node: GaleraNode) -> None:
        """As for a backup: it is Donor/Desynced, in the quorum, and may fall behind."""
        node.sql("SET GLOBAL wsrep_desync=ON")
        wait_until(lambda: node.wsrep("local_state_comment") == "Donor/Desynced", 10, "the node to be desynced")

    def resync(self, node: GaleraNode) -> None:
        node.sql("SET GLOBAL wsrep_desync=OFF")
        self.wait_synced()

    def lose_quorum(self, survivor: GaleraNode) -> None:
        """Kills all others at once; returns when the survivor knows that it is alone, and takes no queries."""
        for node in self.running:
            if node is not survivor:
                node.kill()
        wait_until(lambda: survivor.wsrep("cluster_status") == "non-Primary", 30, "the quorum to be lost", every=0.05)

    def restore_quorum(self, survivor: GaleraNode) -> None:
        """As an operator does: the survivor is declared the cluster, and the dead ones join it."""
        survivor.sql("SET GLOBAL wsrep_provider_options='pc.bootstrap=YES'")
        self.wait_synced()
        self.rejoin(*(node for node in self.servers if not node.running))
