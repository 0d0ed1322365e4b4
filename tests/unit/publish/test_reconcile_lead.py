"""Standing by and taking over: two reconcilers over one real folder; a test says who leads."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from lab.values import KEY, report, spec
from mooring.cluster.local import LocalCluster
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.leader.elector import NoElection
from mooring.model.clocks import Clocks
from mooring.model.errors import Unavailable
from mooring.model.events import Event, NotPublished, Published, Repaired
from mooring.model.objects import EndpointsWrite, StoredEndpoints
from mooring.model.reasons import Reason
from mooring.publish.reconcile import Reconciler

A, B = "10.20.0.11", "10.20.0.12"


class Failing(LocalCluster):
    """A folder whose first writes fail, as an API server's may."""

    failures = 0

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        if self.failures:
            self.failures -= 1
            raise Unavailable("no answer", retry_after=50.0)
        return super().apply(change, until)


class Replica:
    def __init__(self, folder: Path) -> None:
        self.cluster = Failing(folder)
        self.leadership, self.now, self.events = NoElection(), 100.0, list[Event]()
        self.stands_by()
        self.store = HealthStore()
        one = spec(A, B)
        self.store.set_members(one, members(one, {}, ()))
        clocks = Clocks(monotonic=lambda: self.now)
        self.reconciler = Reconciler(
            self.cluster, self.store, [one], self.events.append, clocks=clocks, leadership=self.leadership
        )

    def hear(self, address: str, reason: Reason, times: int = 1) -> None:
        (target,) = (target for target in self.store.targets() if target.address == address)
        for _ in range(times):
            self.now += 10.0
            self.store.take([report(target, reason, started=self.now)])

    def rounds(self) -> None:
        self.reconciler.notice([KEY])
        self.reconciler.rounds()

    def leads(self) -> None:
        self.leadership.until = math.inf
        self.reconciler.take_over()
        self.reconciler.rounds()

    def stands_by(self) -> None:
        self.leadership.until = -math.inf


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Replica, Replica]:
    """The first one leads and has found A alive; the second one stands by and has found A dead and B alive."""
    first, second = Replica(tmp_path), Replica(tmp_path)
    first.leads()
    first.hear(A, Reason.OK)
    second.rounds()
    second.hear(A, Reason.REFUSED)
    second.hear(B, Reason.OK)
    for one in (first, second):
        one.rounds()
    return first, second


def ready(folder: Path) -> list[str]:
    (subset,) = yaml.safe_load((folder / "default" / f"{KEY.name}.yaml").read_text())["subsets"]
    return [one["ip"] for one in subset.get("addresses", ())]


def test_a_standby_reads_and_writes_nothing(pair: tuple[Replica, Replica], tmp_path: Path) -> None:
    """It knows what is stored, keeps its own verdicts, and that is no error."""
    _, second = pair
    assert ready(tmp_path) == [A]
    publication = second.reconciler.publications()[KEY]
    assert publication.stored is not None
    assert publication.stored.ready == {A}
    assert publication.error is None
    assert not [event for event in second.events if isinstance(event, (Published, NotPublished))]


def test_a_takeover_is_one_write_and_no_quarrel(pair: tuple[Replica, Replica], tmp_path: Path) -> None:
    """However often they take turns with different verdicts: nobody's edit is repaired, and no war is seen."""
    first, second = pair
    for old, new in [(first, second), (second, first)] * 4:
        old.stands_by()
        old.rounds()
        new.leads()
        old.rounds()
    assert ready(tmp_path) == [A]
    for one in pair:
        assert [event for event in one.events if isinstance(event, (Repaired, NotPublished))] == []
        written = [event for event in one.events if isinstance(event, Published)]
        assert written[-1].seconds is None


def test_a_new_leader_waits_for_no_backoff(tmp_path: Path) -> None:
    """What had failed in an earlier turn is tried at once."""
    one = Replica(tmp_path)
    one.cluster.failures = 1
    one.leads()
    assert one.reconciler.publications()[KEY].error == "no answer"
    one.rounds()
    assert one.reconciler.publications()[KEY].error == "no answer"
    one.leads()
    assert one.reconciler.publications()[KEY].error is None
