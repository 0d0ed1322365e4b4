"""A Service over a node of a Redis cluster: it serves only while its cluster does."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.topologies.sharded import RedisCluster
from support.replication_daemon import RW, moored

pytestmark = pytest.mark.needs_servers


@pytest.mark.fault(
    "role", "Another shard of a Redis Cluster is gone", "A node that says so is `offline`.", within="F x P"
)
def test_a_node_of_a_failed_cluster_does_not_serve(tmp_path: Path) -> None:
    """With another shard gone a node answers PING, says cluster_state:fail, and is `offline`; then it is back."""
    with RedisCluster() as three:
        shard, other, _ = three.servers
        with moored(tmp_path, [shard], "redis", period=0.2) as stage:
            stage.wait_rw(shard)
            other.kill()
            stage.daemon.wait_ready(RW, [], timeout=30)
            left = stage.daemon.wait_log("host.not_ready", service=RW)
            assert (left["reason"], left["streak"], "cluster_state:fail" in left["message"]) == ("offline", 3, True)
            other.start()
            three.wait_state("ok")
            stage.wait_rw(shard)
