"""A Redis cluster: nodes that share the keys among them, and refuse all of them where a part is gone."""

from __future__ import annotations

from lab.process import start_all
from lab.topologies.sentinel import Node
from lab.topologies.topology import Place, Topology
from lab.waiting import wait_until

_SLOTS = 16384
_NODE_TIMEOUT = 3000
"""Milliseconds: a busy machine keeps a node from running for a second, and the others would call it dead."""
_LINES = ("cluster-enabled yes", "cluster-config-file nodes.conf", f"cluster-node-timeout {_NODE_TIMEOUT}")


class ClusterNode(Node):
    """One node."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, None, extra=_LINES)

    def cluster(self) -> dict[str, str]:
        """CLUSTER INFO."""
        told: dict[str, str] = self.command("CLUSTER INFO")
        return told

    def state(self) -> str:
        """``ok`` or ``fail``."""
        return self.cluster()["cluster_state"]


class RedisCluster(Topology[ClusterNode]):
    """Primaries without replicas, each with its share of the slots; cluster_state is ok on each."""

    def _make(self, place: Place, number: int) -> ClusterNode:
        return ClusterNode(place)

    def _form(self) -> None:
        start_all(*self.servers)
        first, *others = self.servers
        share = _SLOTS // len(self.servers) + 1
        for number, node in enumerate(self.servers):
            last = min((number + 1) * share, _SLOTS) - 1
            node.command("CLUSTER ADDSLOTSRANGE", number * share, last)
            node.command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for other in others:
            first.command("CLUSTER MEET", other.address, other.port)
        self.wait_state("ok")

    def wait_state(self, state: str) -> None:
        """Waits until every running node says so."""
        wait_until(lambda: self.states() == {state}, 30, f"cluster_state:{state}", every=0.05)

    def states(self) -> set[str]:
        return {node.state() for node in self.servers if node.running}
