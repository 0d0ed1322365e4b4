"""Replicas of Redis that fall behind leave the reader Service, and return when they have caught up."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest
import redis

from lab.network import Host, Network
from lab.topologies.sentinel import Node, RedisReplication
from lab.waiting import wait_until
from support.replication_daemon import RO, RW, Moored, moored

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_servers]

PERIOD = 0.2
MOST = 100_000


def deafen(host: Host, primary: Node) -> None:
    """What the primary sends to its replica there is lost; everybody else is heard."""
    packets = f"ip saddr {primary.address} tcp sport {primary.port} drop"
    host.nft(f"table inet ground {{ chain input {{ type filter hook input priority 0; {packets}; }}; }}")


def probed(stage: Moored, server: Node, count: int) -> None:
    """Waits for so many more probes of a server."""
    after = len(stage.daemon.output)

    def enough() -> bool:
        return len(stage.daemon.logs("probe", after=after, address=server.address)) >= count

    wait_until(enough, 20, f"{count} probes")


def write(primary: Node, size: int) -> None:
    primary.command("SET", "filling", "x" * size)


@pytest.mark.fault(
    "role", "A replica of Redis lacks too many bytes", "It leaves though its link is up.", within="F x P"
)
def test_a_replica_that_lacks_too_many_bytes_leaves_and_returns(tmp_path: Path) -> None:
    """By the offsets: out when it lacks more than the limit though its link is up; back when it has them."""
    with Network(hosts=3) as network, RedisReplication(network.hosts[1:]) as replication:
        limited = {"maxReplicationLagBytes": MOST}
        limp, whole = replication.replicas
        with moored(
            tmp_path, replication.servers, "redis", replica=limited, netns=network.node.netns, period=PERIOD
        ) as stage:
            stage.wait_ro(limp, whole)
            host = network["db2"]
            deafen(host, replication.primary)
            write(replication.primary, MOST // 2)
            probed(stage, limp, 5)
            assert stage.daemon.ready(RO) == stage.of(limp, whole)
            write(replication.primary, MOST)
            stage.wait_ro(whole)
            row = stage.row(RO, limp)
            assert row["reason"] == "lagging"
            assert f"{MOST} are allowed" in row["message"] or "to come back" in row["message"]
            assert limp.replication()["master_link_status"] == "up"
            host.heal()
            stage.wait_ro(limp, whole, timeout=60)


@pytest.mark.fault(
    "role",
    "The primary of Redis hangs",
    "Its replicas are `lagging`, and back with it.",
    within="F x P beyond the limit",
)
def test_a_replica_that_hears_nothing_for_too_long_leaves_and_returns(tmp_path: Path) -> None:
    """A primary that hangs for longer than a healthy one is silent: both replicas are `lagging`, and back with it."""
    with RedisReplication(extra=["enable-debug-command local"]) as replication:
        limited = {"maxReplicationLagSeconds": 11}
        with moored(tmp_path, replication.servers, "redis", replica=limited, period=PERIOD) as stage:
            stage.wait_rw(replication.primary)
            stage.wait_ro(*replication.replicas)
            after = len(stage.daemon.output)
            sleeper = threading.Thread(target=sleep, args=(replication.primary, 25), name="sleeper", daemon=True)
            sleeper.start()
            stage.daemon.wait_ready(RW, [])
            assert stage.daemon.ready(RO) == stage.of(*replication.replicas)
            stage.wait_ro(timeout=40)
            for address in stage.of(*replication.replicas):
                left = stage.daemon.wait_log("host.not_ready", after=after, service=RO, address=address)
                assert left["reason"] == "lagging"
            sleeper.join()
            stage.wait_ro(*replication.replicas, timeout=40)
            stage.wait_rw(replication.primary)


def sleep(server: Node, seconds: int) -> None:
    """DEBUG SLEEP: it answers nobody, whoever asks; nor the one that sent this, who gives up first."""
    with contextlib.suppress(redis.TimeoutError):
        server.command("DEBUG", "SLEEP", seconds)
    wait_until(server.serves, 60, "the sleeper to wake")
