"""What many Services cost that nothing happens to: which objects are read, counted on a clock of the test's own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab.values import report, spec
from mooring.cluster.local import LocalCluster
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.objects import StoredEndpoints
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey
from mooring.publish.reconcile import RESYNC_SECONDS, SPREAD, TOGETHER_SECONDS, Reconciler

SERVICES = 50


class Counted(LocalCluster):
    """A real folder that counts how often each object is read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: Counter[str] = Counter()

    def read(self, key: ServiceKey) -> StoredEndpoints | None:
        self.reads[key.name] += 1
        return super().read(key)


class Idle:
    """Services that are published; from then on nothing changes."""

    def __init__(self, folder: Path) -> None:
        self.cluster, self.store, self.now = Counted(folder), HealthStore(), 100.0
        specs = [spec(f"10.20.1.{n}", key=ServiceKey("default", f"s{n:02}")) for n in range(SERVICES)]
        for one in specs:
            self.store.set_members(one, members(one, {}, ()))
        clocks = Clocks(monotonic=lambda: self.now)
        self.reconciler = Reconciler(self.cluster, self.store, specs, lambda _: None, clocks=clocks)
        self.reconciler.rounds()
        self.cluster.reads.clear()

    def second(self) -> Counter[str]:
        """A second passes; returns how often each object was read in it."""
        self.cluster.reads.clear()
        self.now += 1.0
        self.reconciler.rounds()
        return self.cluster.reads.copy()


@pytest.fixture
def idle(tmp_path: Path) -> Idle:
    return Idle(tmp_path)


def test_each_idle_service_is_looked_at_twice_in_its_time_at_most(idle: Idle) -> None:
    """Each is looked at within ``RESYNC_SECONDS``, and no more than twice: many idle Services cost little."""
    reads: Counter[str] = Counter()
    for _ in range(int(RESYNC_SECONDS)):
        reads += idle.second()
    assert len(reads) == SERVICES
    assert max(reads.values()) <= 2


def test_the_looks_at_idle_services_are_spread(idle: Idle) -> None:
    """After the first minute no second has half of them."""
    for _ in range(2 * int(RESYNC_SECONDS)):
        idle.second()
    assert max(len(idle.second()) for _ in range(int(RESYNC_SECONDS))) < SERVICES / 2


def test_a_verdict_of_one_service_reads_no_other(idle: Idle) -> None:
    """Its write follows at once, and waits for no pass over all of them."""
    (target,) = (one for one in idle.store.targets() if one.address == "10.20.1.7")
    for _ in range(3):
        idle.now += 0.1
        changed = idle.store.take([report(target, Reason.OK, started=idle.now)]).changed
        idle.reconciler.wake(changed)
    idle.reconciler.rounds()
    assert set(idle.cluster.reads) == {"s07"}


def test_idle_services_share_the_wakes_of_those_who_look(idle: Idle) -> None:
    """Looks without a cause are due at whole half seconds: a wake for each would cost more than the look."""
    busy = 0
    for _ in range(10 * int(RESYNC_SECONDS)):
        idle.cluster.reads.clear()
        idle.now += 0.1
        idle.reconciler.rounds()
        busy += bool(idle.cluster.reads)
    assert 1 <= busy <= (1.0 - SPREAD[0]) * RESYNC_SECONDS / TOGETHER_SECONDS + 3
