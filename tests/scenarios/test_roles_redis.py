"""The Services of a Redis replication follow its primary: by REPLICAOF, by Sentinels, through deaths and returns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.topologies.sentinel import NAME, RedisReplication, SentinelReplication
from lab.waiting import wait_until
from support.replication_daemon import RO, RW, moored

pytestmark = [pytest.mark.needs_servers]

PERIOD = 0.2


@pytest.fixture
def replication() -> Iterator[RedisReplication]:
    with RedisReplication() as made:
        yield made


@pytest.fixture
def sentinels() -> Iterator[SentinelReplication]:
    with SentinelReplication() as made:
        yield made


def test_one_probe_feeds_both_services(replication: RedisReplication, tmp_path: Path) -> None:
    """Whoever lists a host twice, as writer and as reader, asks it once; roles and lags are shown."""
    with moored(tmp_path, replication.servers, "redis", period=PERIOD) as stage:
        stage.wait_rw(replication.primary)
        stage.wait_ro(*replication.replicas)
        row = stage.row(RW, replication.primary)
        assert (row["role"], row["lagSeconds"], row["reason"]) == ("primary", None, "ok")
        replica = replication.replicas[0]
        row = stage.row(RO, replica)
        assert (row["role"], row["reason"], row["verdict"]) == ("replica", "ok", "ready")
        assert row["lagSeconds"] >= 0
        assert stage.row(RW, replica)["reason"] == "wrong-role"
        assert stage.row(RO, replication.primary)["reason"] == "wrong-role"
        assert [line["targets"] for line in stage.daemon.logs("daemon.started")] == [3]


@pytest.mark.fault("role", "A planned switchover (Redis)", "The writer moves; no version had two.", within="about P")
def test_a_planned_switchover_moves_both_services(replication: RedisReplication, tmp_path: Path) -> None:
    """REPLICAOF on both: the writer moves within about a period, and no version had two."""
    with moored(tmp_path, replication.servers, "redis", period=PERIOD) as stage:
        old, new = replication.primary, replication.servers[1]
        stage.wait_rw(old)
        replication.switchover(new)
        stage.wait_rw(new)
        stage.wait_ro(old, replication.servers[2])
        assert stage.writers()[-1] == stage.of(new)
        assert stage.daemon.wait_log("host.not_ready", service=RW, address=stage.of(old)[0])["reason"] == "wrong-role"


@pytest.mark.fault(
    "role",
    "The primary of Redis dies, and a replica is promoted by hand",
    "Nobody is published until then; the old one's return changes nothing.",
    within="about P after the promotion",
)
def test_a_crash_and_a_promotion_by_hand(replication: RedisReplication, tmp_path: Path) -> None:
    """Nobody is published until a host says that it is the primary; the dead one's return changes nothing."""
    with moored(tmp_path, replication.servers, "redis", period=PERIOD) as stage:
        stage.wait_rw(replication.primary)
        old = replication.kill()
        stage.daemon.wait_ready(RW, [])
        replication.promote(replication.servers[1])
        stage.wait_rw(replication.servers[1])
        old.start()
        told = stage.daemon.wait_log("service.split_brain", service=RW, timeout=20)
        assert set(told["hosts"]) == set(stage.of(old, replication.servers[1]))
        wait_until(lambda: stage.reason(RW, old) == "second-writer", 20, "the old primary's next probe")
        old.follow(replication.primary)
        stage.daemon.wait_log("service.one_writer", service=RW, timeout=20)
        stage.wait_ro(old, replication.servers[2])
        assert stage.writers()[-1] == stage.of(replication.servers[1])


@pytest.mark.fault(
    "role",
    "Sentinels fail over",
    "The writer follows; the old primary is nobody until it is a replica.",
    within="about P after the majority names it",
)
def test_sentinels_fail_over_and_the_writer_follows(sentinels: SentinelReplication, tmp_path: Path) -> None:
    """A real failover by three Sentinels; the old primary returns as master, and is nobody until it is a replica."""
    sentinel_hosts = [f"{one.address}:{one.port}" for one in sentinels.sentinels]
    named = {"sentinel": {"name": NAME, "hosts": sentinel_hosts}}
    with moored(tmp_path, sentinels.servers, "redis", primary=named, period=PERIOD) as stage:
        stage.wait_rw(sentinels.primary)
        old = sentinels.kill()
        new = sentinels.wait_failover(old)
        stage.wait_rw(new)
        sentinels.revive(old)
        sentinels.wait_reconfigured(old)
        wait_until(lambda: stage.reason(RW, old) == "wrong-role", 20, "the old primary to be a replica")
        stage.wait_ro(*[one for one in sentinels.servers if one is not new])
        assert stage.writers()[-1] == stage.of(new)


@pytest.mark.fault(
    "role",
    "Two of three Sentinels are dead",
    "Whoever calls itself master is not published; the primary stays.",
    within="nothing moves",
)
def test_a_minority_of_sentinels_makes_nobody_primary(sentinels: SentinelReplication, tmp_path: Path) -> None:
    """With two of three dead, whoever calls itself master is not published; the one that was stays as long as it is."""
    sentinel_hosts = [f"{one.address}:{one.port}" for one in sentinels.sentinels]
    named = {"sentinel": {"name": NAME, "hosts": sentinel_hosts}}
    with moored(tmp_path, sentinels.servers, "redis", primary=named, period=PERIOD) as stage:
        stage.wait_rw(sentinels.primary)
        for one in sentinels.sentinels[1:]:
            one.kill()
        old, new = sentinels.primary, sentinels.servers[1]
        sentinels.kill()
        stage.daemon.wait_ready(RW, [])
        new.command("REPLICAOF", "NO", "ONE")
        wait_until(lambda: "majority of the Sentinels" in stage.row(RW, new)["message"], 20, "the claim")
        stage.daemon.wait_log("probe", port=new.port, after=len(stage.daemon.output))
        assert stage.daemon.ready(RW) == []
        assert stage.reason(RO, new) == "wrong-role"
        del old
