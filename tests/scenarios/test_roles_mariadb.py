"""The Services of a MariaDB replication follow its primary: switchovers, crashes, split brains, returning primaries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.topologies.replication import Replication
from lab.waiting import wait_until
from support.replication_daemon import RO, RW, moored

pytestmark = pytest.mark.needs_servers

PERIOD = 0.2


@pytest.fixture
def replication() -> Iterator[Replication]:
    with Replication() as made:
        yield made


@pytest.mark.fault(
    "role", "A planned switchover (MariaDB)", "The writer and the readers follow; never two writers.", within="about P"
)
def test_a_planned_switchover_moves_both_services(replication: Replication, tmp_path: Path) -> None:
    """One probe a host feeds both Services; read_only on the old, off on the new: the writer follows, never two."""
    limit = {"maxReplicationLagSeconds": 5}
    with moored(tmp_path, replication.servers, "mysql", replica=limit, period=PERIOD) as stage:
        old, new = replication.primary, replication.servers[1]
        stage.wait_rw(old)
        stage.wait_ro(*replication.replicas)
        assert [line["targets"] for line in stage.daemon.logs("daemon.started")] == [3]
        row = stage.row(RO, new)
        assert (row["role"], row["lagSeconds"], row["reason"]) == ("replica", 0, "ok")
        assert stage.row(RW, old)["role"] == "primary"
        replication.switchover(new)
        stage.wait_rw(new)
        stage.wait_ro(old, replication.servers[2])
        left = stage.daemon.wait_log("host.not_ready", service=RW, address=stage.of(old)[0])
        assert (left["reason"], left["streak"]) == ("read-only", 1)
        assert stage.writers()[-1] == stage.of(new)


@pytest.mark.fault(
    "role",
    "The primary crashes, another is promoted, the old one returns writable",
    "The new one serves; the old is `second-writer`, and stays out.",
    within="about P after the promotion",
)
def test_a_crash_a_promotion_and_the_return_of_the_old_primary(replication: Replication, tmp_path: Path) -> None:
    """A script promotes a replica; the old primary comes back writable, is told as a second writer, and stays out."""
    with moored(tmp_path, replication.servers, "mysql", period=PERIOD) as stage:
        stage.wait_rw(replication.primary)
        old = replication.kill()
        stage.daemon.wait_ready(RW, [])
        new = replication.furthest()
        replication.promote(new)
        stage.wait_rw(new)
        replication.revive(old)
        told = stage.daemon.wait_log("service.split_brain", service=RW, timeout=30)
        assert set(told["hosts"]) == set(stage.of(old, new))
        wait_until(lambda: stage.reason(RW, old) == "second-writer", 20, "the old primary's next probe")
        assert stage.daemon.ready(RW) == stage.of(new)
        replication.rejoin(old)
        stage.daemon.wait_log("service.one_writer", service=RW, timeout=30)
        stage.wait_ro(*[one for one in replication.servers if one is not new])


@pytest.mark.fault(
    "role", "Only an old primary is left, without the last writes", "Nobody is published.", within="it stays out"
)
def test_a_returning_primary_without_the_last_reign_stays_out(replication: Replication, tmp_path: Path) -> None:
    """The new primary dies, too, and only the old one is left, without what was written since: nobody is published."""
    with moored(tmp_path, replication.servers, "mysql", period=PERIOD) as stage:
        stage.wait_rw(replication.primary)
        old = replication.kill()
        new = replication.servers[1]
        replication.promote(new)
        stage.wait_rw(new)
        new.run("INSERT INTO app.written VALUES (1000)")
        stage.daemon.wait_log("probe", port=new.port, after=len(stage.daemon.output))
        stage.daemon.wait_log("probe", port=new.port, after=len(stage.daemon.output))
        replication.kill()
        stage.daemon.wait_ready(RW, [])
        replication.revive(old)
        wait_until(lambda: "wrote since" in stage.row(RW, old)["message"], 30, "the verdict on the old primary")
        assert stage.daemon.ready(RW) == []


@pytest.mark.fault(
    "role",
    "Two hosts take writes, with `onSplitBrain: publishNone`",
    "None is published until one is left.",
    within="P + T",
)
def test_a_split_brain_can_publish_nobody(replication: Replication, tmp_path: Path) -> None:
    """`onSplitBrain: publishNone`: while two take writes, none is published; with one left, it is."""
    policy = {"onSplitBrain": "publishNone"}
    with moored(tmp_path, replication.servers, "mysql", more=policy, period=PERIOD) as stage:
        stage.wait_rw(replication.primary)
        second = replication.servers[1]
        second.run("STOP SLAVE", "SET GLOBAL read_only=0")
        stage.daemon.wait_ready(RW, [])
        assert stage.daemon.wait_log("service.split_brain", service=RW)
        second.run("SET GLOBAL read_only=1", "START SLAVE")
        stage.wait_rw(replication.primary)


@pytest.mark.fault(
    "account", "The account lacks the grant to see the role", "Unknown, with the GRANT to make.", within="nothing moves"
)
def test_a_missing_grant_is_told_with_its_statement(replication: Replication, tmp_path: Path) -> None:
    """Without REPLICA MONITOR nobody is judged: unknown, with the GRANT to make; afterwards all is well."""
    for server in replication.servers:
        server.quietly("REVOKE REPLICA MONITOR ON *.* FROM 'mooring'@'%'")
    with moored(tmp_path, replication.servers, "mysql", period=PERIOD) as stage:
        told = stage.daemon.wait_log("host.unknown", service=RW, reason="auth", timeout=20)
        assert "GRANT REPLICA MONITOR ON *.* TO" in told["message"] or "GRANT SLAVE MONITOR ON" in told["message"]
        assert stage.daemon.ready(RW) == []
        for server in replication.servers:
            server.quietly("GRANT REPLICA MONITOR ON *.* TO 'mooring'@'%'")
        stage.wait_rw(replication.primary)
