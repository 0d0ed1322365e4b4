"""Another file while it runs, and hosts that an annotation takes out."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.health_stores import place
from lab.values import KEY, report, spec
from lab.waiting import wait_until
from mooring.cluster.local import LocalCluster
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.events import DrainChanged, DrainUnknown, Event, ServiceReleased
from mooring.model.objects import EndpointsWrite, PublishTarget, StoredEndpoints
from mooring.model.overrides import Drained
from mooring.model.publish_events import LastReadyDrained
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey, ServiceSpec
from mooring.publish.reconcile import Reconciler

A, B = "10.20.0.11", "10.20.0.12"
OTHER = ServiceKey("default", "other")


class Annotated(LocalCluster):
    """A folder with what only a Service can say: which hosts are out. The real one is in tests/cluster."""

    drain: tuple[str, ...] = ()

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget(spec.ports, drain=tuple(map(Drained, self.drain)))


class Desk:
    """A reconciler over a folder, its thread not started, and a health store on which every host is ready."""

    def __init__(self, cluster: LocalCluster, *specs: ServiceSpec) -> None:
        self.store, self.events = HealthStore(), list[Event]()
        for one in specs:
            place(self.store, one)
        self.reconciler = Reconciler(cluster, self.store, specs, self.events.append, clocks=Clocks())
        self.rounds()
        for target in self.store.targets():
            self.store.take([report(target, Reason.OK)])
        self.rounds()

    def rounds(self) -> None:
        self.reconciler.notice(self.reconciler.publications())
        self.reconciler.rounds()

    def replace(self, *specs: ServiceSpec) -> None:
        self.reconciler.replace(specs, lambda: self._place(specs))

    def _place(self, specs: tuple[ServiceSpec, ...]) -> None:
        for one in specs:
            place(self.store, one)


def lists(folder: Path, name: str = KEY.name) -> tuple[list[str], list[str]]:
    (subset,) = yaml.safe_load((folder / "default" / f"{name}.yaml").read_text())["subsets"]
    ready, not_ready = ([one["ip"] for one in subset.get(kind, ())] for kind in ("addresses", "notReadyAddresses"))
    return ready, not_ready


def test_a_removed_host_leaves_and_a_removed_service_stays_stored(tmp_path: Path) -> None:
    """Whoever reloads goes on when the new file is in force; what left keeps its object, and is reported."""
    desk = Desk(LocalCluster(tmp_path), spec(A, B), spec(B, key=OTHER))
    desk.replace(spec(A))
    desk.rounds()
    assert lists(tmp_path) == ([A], [])
    assert lists(tmp_path, "other") == ([B], [])
    assert [event for event in desk.events if isinstance(event, ServiceReleased)] == [ServiceReleased(OTHER)]
    assert list(desk.reconciler.publications()) == [KEY]
    assert [target.address for target in desk.store.targets()] == [A]
    (tmp_path / "default" / "other.yaml").unlink()
    desk.rounds()
    assert not (tmp_path / "default" / "other.yaml").exists()


def test_what_is_known_of_a_service_outlives_a_reload(tmp_path: Path) -> None:
    """No write is made for a file that changes nothing of it; a Service that is new is seeded from what is stored."""
    desk = Desk(LocalCluster(tmp_path), spec(A), spec(B, key=OTHER))
    before = desk.reconciler.publications()[KEY]
    for specs in ((spec(A),), (spec(A), spec(B, key=OTHER))):
        desk.replace(*specs)
        desk.rounds()
    assert replace(desk.reconciler.publications()[KEY], stored=before.stored) == before
    assert desk.reconciler.publications()[OTHER].applied_at is None
    assert lists(tmp_path, "other") == ([B], [])


class Waiting(LocalCluster):
    """A folder whose writes wait until they are let go, as an API server's may."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.writing, self.go = threading.Event(), threading.Event()

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        self.writing.set()
        assert self.go.wait(100)
        return super().apply(change, until)


@pytest.fixture
def started() -> Iterator[Callable[[Reconciler], None]]:
    begun: list[Reconciler] = []

    def start(one: Reconciler) -> None:
        begun.append(one)
        one.start()

    yield start
    for one in begun:
        one.stop(60)


def test_a_reload_waits_for_no_write(tmp_path: Path, started: Callable[[Reconciler], None]) -> None:
    """A write that hangs is that of the file before, whole; the new file is in force meanwhile, and written next."""
    cluster, store = Waiting(tmp_path), HealthStore()
    place(store, spec(A, B))
    reconciler = Reconciler(cluster, store, [spec(A, B)], lambda _event: None, clocks=Clocks())
    started(reconciler)
    assert cluster.writing.wait(60)
    reconciler.replace([spec(A)], lambda: place(store, spec(A)))
    assert not (tmp_path / "default" / f"{KEY.name}.yaml").exists()
    cluster.go.set()
    wait_until((tmp_path / "default" / f"{KEY.name}.yaml").exists, 5, "the write of the file before")
    wait_until(lambda: lists(tmp_path) == ([], [A]), 5, "the write of the new file")


def test_an_annotation_takes_out_and_gives_back_without_a_probe(tmp_path: Path) -> None:
    """At the next look at the Service, with the verdict that the host has; what names nobody is told once."""
    cluster = Annotated(tmp_path)
    desk = Desk(cluster, spec(A, B))
    cluster.drain = (B, "db9")
    for _ in range(3):
        desk.rounds()
    assert lists(tmp_path) == ([A], [B])
    assert desk.reconciler.publications()[KEY].drain.hosts == (B,)
    cluster.drain = ()
    desk.rounds()
    assert lists(tmp_path) == ([A, B], [])
    told = [event for event in desk.events if isinstance(event, (DrainChanged, DrainUnknown))]
    assert told == [DrainChanged(KEY, (B,)), DrainUnknown(KEY, "db9"), DrainChanged(KEY, ())]


def test_a_drain_of_the_last_ready_host_is_reported_once(tmp_path: Path) -> None:
    """It is obeyed; a Mooring that starts later, and finds it drained, does not report it again."""
    cluster = Annotated(tmp_path)
    desk = Desk(cluster, spec(A, B))
    cluster.drain = (A,)
    desk.rounds()
    cluster.drain = (A, B)
    for _ in range(3):
        desk.rounds()
    assert lists(tmp_path) == ([], [A, B])
    later = Desk(cluster, spec(A, B))
    later.rounds()
    told = [event for event in (*desk.events, *later.events) if isinstance(event, LastReadyDrained)]
    assert told == [LastReadyDrained(KEY, (B,))]
