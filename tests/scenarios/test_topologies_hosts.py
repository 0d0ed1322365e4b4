"""The ground under failovers, each server on a database host of its own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from lab.network import Network
from lab.topologies.galera import Galera
from lab.topologies.replication import Replication
from lab.topologies.sentinel import SentinelReplication
from lab.topologies.sharded import RedisCluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_servers]

KINDS = [
    pytest.param(Replication, 3306, id="mariadb"),
    pytest.param(SentinelReplication, 6379, id="sentinels"),
    pytest.param(RedisCluster, 6379, id="redis-cluster"),
    pytest.param(Galera, 3306, id="galera", marks=pytest.mark.needs_galera),
]


@pytest.mark.parametrize(("kind", "port"), KINDS)
def test_three_hosts(kind: Any, port: int) -> None:
    """Formed on three hosts, the servers have the hosts' addresses and the usual port; nothing outlives them."""
    with Network(hosts=3) as network:
        with ExitStack() as stack:
            three = stack.enter_context(kind(network.hosts[1:]))
            found = [(server.address, server.port) for server in three.servers]
            assert found == [(f"10.77.0.{number}", port) for number in (11, 12, 13)]
            left = [server.directory for server in three.servers]
        assert not any(directory.exists() for directory in left)
