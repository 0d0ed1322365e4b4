"""The Services of a Galera cluster: one writer of several that might be, and only nodes in sync with the quorum."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.topologies.galera import Galera
from lab.waiting import wait_until
from support.replication_daemon import RO, RW, Moored, moored

pytestmark = pytest.mark.needs_galera

PERIOD = 0.2


@pytest.fixture(scope="module")
def formed() -> Iterator[Galera]:
    with Galera() as made:
        yield made


@pytest.fixture
def galera(formed: Galera) -> Galera:
    formed.wait_synced()
    assert len(formed.running) == 3
    return formed


def no_alert(stage: Moored) -> bool:
    return not stage.daemon.logs("service.split_brain")


@pytest.mark.fault(
    "role",
    "The writer of a Galera cluster dies",
    "The next one follows, and stays when the first is back.",
    within="F x P + T",
)
def test_the_writer_is_the_first_and_a_failover_is_not_undone(galera: Galera, tmp_path: Path) -> None:
    """The others stand by without an alert; the next one follows a dead writer, and stays when that is back.

    With `allowDonor` it does so also where it is the one that gives the returning node its copy.
    """
    first, second, third = galera.servers
    with moored(tmp_path, galera.servers, "mysql", block={"allowDonor": True}, period=PERIOD) as stage:
        stage.wait_rw(first)
        stage.wait_ro(first, second, third)
        wait_until(lambda: stage.reason(RW, second) == "wrong-role", 20, "the second to stand by")
        row = stage.row(RW, second)
        assert (row["role"], row["message"]) == ("Synced", f"stands by: {stage.of(first)[0]} takes the writes")
        first.kill()
        stage.wait_rw(second)
        stage.wait_ro(second, third)
        galera.rejoin(first)
        stage.wait_ro(first, second, third)
        assert stage.daemon.ready(RW) == stage.of(second)
        assert no_alert(stage)


@pytest.mark.fault(
    "role",
    "The writer of a Galera cluster is desynced",
    "Another takes over; with `allowDonor` readers keep it.",
    within="F x P",
)
def test_a_desynced_node_yields_the_writes_and_may_be_read(galera: Galera, tmp_path: Path) -> None:
    """Desynced, the writer is `not-synced` and another takes over; with `allowDonor` readers keep it."""
    first, second, third = galera.servers
    with moored(tmp_path, galera.servers, "mysql", replica={"allowDonor": True}, period=PERIOD) as stage:
        stage.wait_rw(first)
        stage.wait_ro(first, second, third)
        galera.desync(first)
        stage.wait_rw(second)
        left = stage.daemon.wait_log("host.not_ready", service=RW, address=stage.of(first)[0])
        assert (left["reason"], left["message"]) == ("not-synced", "is Donor/Desynced in Galera")
        assert stage.daemon.ready(RO) == stage.of(first, second, third)
        galera.resync(first)
        wait_until(lambda: stage.reason(RW, first) == "wrong-role", 20, "the node to stand by")
        assert stage.daemon.ready(RW) == stage.of(second)
        assert no_alert(stage)


@pytest.mark.fault(
    "role", "A reader of a Galera cluster is desynced", "It leaves, and returns in sync.", within="F x P"
)
def test_without_allow_donor_a_desynced_node_is_not_read(galera: Galera, tmp_path: Path) -> None:
    """A node that may fall behind leaves the reader Service after three probes, and returns in sync."""
    first, second, third = galera.servers
    with moored(tmp_path, galera.servers, "mysql", period=PERIOD) as stage:
        stage.wait_ro(first, second, third)
        galera.desync(third)
        stage.wait_ro(first, second)
        left = stage.daemon.wait_log("host.not_ready", service=RO, address=stage.of(third)[0])
        assert (left["reason"], left["streak"]) == ("not-synced", 3)
        galera.resync(third)
        stage.wait_ro(first, second, third)


@pytest.mark.fault("role", "A Galera cluster loses its quorum", "The last node is in no Service.", within="F x P")
def test_without_the_quorum_nobody_serves(galera: Galera, tmp_path: Path) -> None:
    """The last of three still answers, and is in no Service; with the cluster whole again, all serve."""
    first, second, third = galera.servers
    with moored(tmp_path, galera.servers, "mysql", replica={"allowDonor": True}, period=PERIOD) as stage:
        stage.wait_rw(first)
        stage.wait_ro(first, second, third)
        galera.lose_quorum(first)
        stage.daemon.wait_ready(RW, [])
        stage.wait_ro()
        wait_until(lambda: "non-Primary" in stage.row(RW, first)["message"], 20, "the survivor's own word")
        assert stage.reason(RO, first) == "not-synced"
        galera.restore_quorum(first)
        stage.wait_ro(first, second, third, timeout=60)
        wait_until(lambda: len(stage.daemon.ready(RW)) == 1, 20, "a writer: the first, unless it is a donor for long")
        assert no_alert(stage)
