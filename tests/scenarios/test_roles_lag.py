"""Replicas of MariaDB that fall behind leave the reader Service, and return when they have caught up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.topologies.pool import Pool
from lab.topologies.replication import Member, Replication
from lab.topologies.topology import PROBER
from lab.waiting import wait_until
from support.background import Background
from support.replication_daemon import RO, RW, Moored, moored
from support.true_lag import Lagging

pytestmark = pytest.mark.needs_servers

PERIOD = 0.2
LIMIT = 5
LIMITED = {"maxReplicationLagSeconds": LIMIT}
ALLOWED = 3 * PERIOD + 8
"""Three probes, and what a machine that stands still for some seconds takes for them."""
BEATS = "app.heartbeat"


@pytest.fixture
def replication() -> Iterator[Replication]:
    with Replication() as made:
        yield made


@contextlib.contextmanager
def written_to(replication: Replication) -> Iterator[Pool]:
    """An application writes to the primary all the time."""
    primary = replication.primary
    with Pool("mysql", primary.address, primary.port, size=2) as pool:
        pool.wait_written(f"{primary.address}:{primary.port}", 1)
        yield pool


def ready_always(stage: Moored, service: str, server: Member) -> bool:
    """In every version since it was first."""
    (address,) = stage.of(server)
    ready = [address in version.ready for version in stage.history.of(service)]
    return all(ready[ready.index(True) :])


@pytest.mark.fault("role", "A replica stops to apply", "`not-replicating`.", within="F x P")
def test_a_replica_that_applies_nothing_leaves_and_returns(replication: Replication, tmp_path: Path) -> None:
    """STOP SLAVE SQL_THREAD under writes: out after three probes as not-replicating; started, it is back."""
    limp, whole = replication.replicas
    with (
        moored(tmp_path, replication.servers, "mysql", replica=LIMITED, period=PERIOD) as stage,
        written_to(replication),
    ):
        stage.wait_ro(limp, whole)
        stage.wait_rw(replication.primary)
        after = len(stage.daemon.output)
        replication.stop_applying(limp)
        stage.wait_ro(whole)
        left = stage.daemon.wait_log("host.not_ready", after=after, service=RO, address=stage.of(limp)[0])
        assert (left["reason"], left["streak"]) == ("not-replicating", 3)
        row = stage.row(RO, limp)
        assert (row["role"], row["lagSeconds"]) == ("replica", None)
        assert "is not applied" in row["message"]
        replication.start_applying(limp)
        stage.wait_ro(limp, whole)
        assert ready_always(stage, RO, whole)
        assert ready_always(stage, RW, replication.primary)


@pytest.mark.fault(
    "role", "A replica lags beyond the limit", "`lagging`, and back with the lag gone.", within="F x P beyond the limit"
)
def test_a_replica_that_lags_is_out_within_the_thresholds(replication: Replication, tmp_path: Path) -> None:
    """Its lag grows by the second while both threads run: `lagging` beyond the limit, and back with the lag gone."""
    limp, whole = replication.replicas
    with (
        moored(tmp_path, replication.servers, "mysql", replica=LIMITED, period=PERIOD) as stage,
        written_to(replication),
        Lagging(limp) as watched,
    ):
        stage.wait_ro(limp, whole)
        after = len(stage.daemon.output)
        with replication.stalled(limp):
            stage.wait_ro(whole)
            left = stage.daemon.wait_log("host.not_ready", after=after, service=RO, address=stage.of(limp)[0])
            assert (left["reason"], left["streak"]) == ("lagging", 3)
            assert f"{LIMIT} s are allowed" in left["message"]
            wait_until(lambda: (stage.row(RO, limp)["lagSeconds"] or 0) > LIMIT + 2, 20, "more lag")
            assert stage.daemon.ready(RO) == stage.of(whole)
        stage.wait_ro(limp, whole)
        assert ready_always(stage, RO, whole)
        assert watched.worst > LIMIT + 1
        assert watched.overdue(stage.history.of(RO), stage.of(limp)[0], LIMIT, ALLOWED) == []


@pytest.mark.fault(
    "role", "A replica cannot connect to its primary", "It leaves, and the error that it got is shown.", within="F x P"
)
def test_a_replica_without_its_primary_leaves_and_returns(replication: Replication, tmp_path: Path) -> None:
    """A replica that cannot connect is out though nothing is left to apply; its error is told by code and meaning."""
    limp, whole = replication.replicas
    with moored(tmp_path, replication.servers, "mysql", replica=LIMITED, period=PERIOD) as stage:
        stage.wait_ro(limp, whole)
        replication.break_link(limp)
        stage.wait_ro(whole)
        told = "is down: error 2003, the source cannot be reached"
        wait_until(lambda: told in stage.row(RO, limp)["message"], 20, "the replica's own error")
        assert stage.reason(RO, limp) == "not-replicating"
        replication.mend_link(limp)
        stage.wait_ro(limp, whole)


@pytest.mark.fault(
    "role", "All replicas stop", "The reader Service is empty; the writer keeps its primary.", within="F x P"
)
def test_without_any_replica_the_reader_has_nobody(replication: Replication, tmp_path: Path) -> None:
    """Both replicas stopped: the reader Service is empty, the writer has its primary all the time."""
    with moored(tmp_path, replication.servers, "mysql", replica=LIMITED, period=PERIOD) as stage:
        stage.wait_rw(replication.primary)
        stage.wait_ro(*replication.replicas)
        for replica in replication.replicas:
            replication.stop_applying(replica)
        stage.wait_ro()
        for replica in replication.replicas:
            replication.start_applying(replica)
        stage.wait_ro(*replication.replicas)
        assert ready_always(stage, RW, replication.primary)


class Heart(Background):
    """Writes the time to a table of the primary, as pt-heartbeat does, but ``late`` seconds ago."""

    def __init__(self, primary: Member) -> None:
        super().__init__()
        self.late = 0.0
        self._primary = primary
        primary.run(
            f"CREATE TABLE {BEATS} (server_id INT UNSIGNED PRIMARY KEY, ts VARCHAR(26) NOT NULL)",
            f"GRANT SELECT ON {BEATS} TO '{PROBER}'@'%'",
        )

    def _run(self) -> None:
        with self._primary.session() as cursor:
            while not self._ending.wait(0.1):
                then = f"UTC_TIMESTAMP(6) - INTERVAL {int(self.late * 1e6)} MICROSECOND"
                text = f"DATE_FORMAT({then}, '%Y-%m-%dT%H:%i:%s.%f')"
                cursor.execute(f"REPLACE INTO {BEATS} VALUES (@@server_id, {text})")


@pytest.mark.fault(
    "role",
    "A replica's lag swings around the limit",
    "One that left comes back at four fifths of it.",
    within="no flapping",
)
def test_a_replica_that_lagged_comes_back_at_four_fifths(replication: Replication, tmp_path: Path) -> None:
    """By a heartbeat's table: 52 of 60 s are fit for who never left, and not for who lagged; that one needs 48."""
    limited = {"maxReplicationLagSeconds": 60, "heartbeat": {"table": BEATS}}
    limp = replication.replicas[0]
    with Heart(replication.primary) as heart:
        heart.late = 52
        wait_until(lambda: beaten(replication), 10, "the first beats to arrive")
        with moored(tmp_path, replication.servers, "mysql", replica=limited, period=PERIOD) as stage:
            stage.wait_ro(*replication.replicas)
            assert 50 < stage.row(RO, limp)["lagSeconds"] < 60
            heart.late = 70
            stage.wait_ro()
            after = len(stage.daemon.output)
            heart.late = 52
            probes: set[str] = set()
            wait_until(lambda: len(stays_out(stage, limp, probes)) >= 10, 20, "probes between the two limits")
            assert not stage.daemon.logs("host.ready", after=after, service=RO)
            heart.late = 40
            stage.wait_ro(*replication.replicas)


def test_a_replica_of_a_replica_has_the_lag_of_the_whole_chain(replication: Replication, tmp_path: Path) -> None:
    """By the heartbeat of the primary, the only one that beats; also while the link before it stands still."""
    limited = {"maxReplicationLagSeconds": 5, "heartbeat": {"table": BEATS}}
    link, last = replication.replicas
    with Heart(replication.primary):
        wait_until(lambda: beaten(replication), 10, "the first beats to arrive")
        last.follow(link)
        replication.wait_replicating(last)
        with moored(tmp_path, replication.servers, "mysql", replica=limited, period=PERIOD) as stage:
            stage.wait_ro(link, last)
            link.run("STOP SLAVE SQL_THREAD")
            stage.wait_ro()
            assert stage.row(RO, last)["reason"] == "lagging"
            link.run("START SLAVE SQL_THREAD")
            stage.wait_ro(link, last)


def beaten(replication: Replication) -> bool:
    return all(replica.sql(f"SELECT 1 FROM {BEATS}") for replica in replication.replicas)


def stays_out(stage: Moored, replica: Member, probes: set[str]) -> set[str]:
    """Adds the replica's last probe if it told that 60 s are too many to come back, and that 52 s are so, too."""
    row = stage.row(RO, replica)
    if row["reason"] == "lagging" and "48 s are allowed, to come back" in row["message"] and row["lagSeconds"] < 60:
        probes.add(row["lastProbeAt"])
    return probes
