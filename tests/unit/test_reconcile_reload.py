"""Another file while it runs, and hosts that an annotation takes out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ground.boards import place
from ground.values import KEY, report, spec
from ground.waiting import wait_until
from mooring.board import Board
from mooring.clocks import Clocks
from mooring.cluster.local import LocalCluster
from mooring.events import DrainChanged, DrainUnknown, Event, ServiceReleased
from mooring.model import Change, Serving, Stored
from mooring.reasons import Reason
from mooring.reconcile import Reconciler
from mooring.spec import ServiceKey, ServiceSpec

A, B = "10.20.0.11", "10.20.0.12"
OTHER = ServiceKey("default", "other")


class Annotated(LocalCluster):
    """A folder with what only a Service can say: which hosts are out. The real one is in tests/cluster."""

    drain: tuple[str, ...] = ()

    def serving(self, spec: ServiceSpec) -> Serving:
        return Serving(spec.ports, drain=self.drain)


class Desk:
    """A reconciler over a folder, its thread not started, and a board on which every host is ready."""

    def __init__(self, cluster: LocalCluster, *specs: ServiceSpec) -> None:
        self.board, self.events = Board(), list[Event]()
        for one in specs:
            place(self.board, one)
        self.reconciler = Reconciler(cluster, self.board, specs, self.events.append, clocks=Clocks())
        self.rounds()
        for target in self.board.targets():
            self.board.take([report(target, Reason.OK)])
        self.rounds()

    def rounds(self) -> None:
        self.reconciler.wake(self.reconciler.standings())
        self.reconciler.rounds()

    def replace(self, *specs: ServiceSpec) -> threading.Thread:
        """As a reload does: from another thread, which waits."""
        asking = threading.Thread(target=self.reconciler.replace, args=(specs, lambda: self._place(specs)))
        asking.start()
        return asking

    def _place(self, specs: tuple[ServiceSpec, ...]) -> None:
        for one in specs:
            place(self.board, one)


def lists(folder: Path, name: str = KEY.name) -> tuple[list[str], list[str]]:
    (subset,) = yaml.safe_load((folder / "default" / f"{name}.yaml").read_text())["subsets"]
    ready, not_ready = ([one["ip"] for one in subset.get(kind, ())] for kind in ("addresses", "notReadyAddresses"))
    return ready, not_ready


def test_a_removed_host_leaves_and_a_removed_service_stays_stored(tmp_path: Path) -> None:
    """Who asks goes on when the new file is in force; the object of what left is not touched, and that is told."""
    desk = Desk(LocalCluster(tmp_path), spec(A, B), spec(B, key=OTHER))
    asking = desk.replace(spec(A))
    wait_until(lambda: not desk.reconciler._jobs.empty(), 5, "the question")
    assert asking.is_alive()
    desk.rounds()
    asking.join(5)
    assert not asking.is_alive()
    assert lists(tmp_path) == ([A], [])
    assert lists(tmp_path, "other") == ([B], [])
    assert [event for event in desk.events if isinstance(event, ServiceReleased)] == [ServiceReleased(OTHER)]
    assert list(desk.reconciler.standings()) == [KEY]
    assert [target.address for target in desk.board.targets()] == [A]
    (tmp_path / "default" / "other.yaml").unlink()
    desk.rounds()
    assert not (tmp_path / "default" / "other.yaml").exists()


def test_what_is_known_of_a_service_outlives_a_reload(tmp_path: Path) -> None:
    """No write is made for a file that changes nothing of it; a Service that is new is seeded from what is stored."""
    desk = Desk(LocalCluster(tmp_path), spec(A), spec(B, key=OTHER))
    before = desk.reconciler.standings()[KEY]
    for specs in ((spec(A),), (spec(A), spec(B, key=OTHER))):
        asking = desk.replace(*specs)
        wait_until(lambda: not desk.reconciler._jobs.empty(), 5, "the question")
        desk.rounds()
        asking.join(5)
    assert replace(desk.reconciler.standings()[KEY], stored=before.stored) == before
    assert desk.reconciler.standings()[OTHER].applied_at is None
    assert lists(tmp_path, "other") == ([B], [])


class Waiting(LocalCluster):
    """A folder whose writes wait until they are let go, as an API server's may."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.writing, self.go = threading.Event(), threading.Event()

    def apply(self, change: Change) -> Stored:
        self.writing.set()
        assert self.go.wait(10)
        return super().apply(change)


@pytest.fixture
def started() -> Iterator[Callable[[Reconciler], None]]:
    begun: list[Reconciler] = []

    def start(one: Reconciler) -> None:
        begun.append(one)
        one.start()

    yield start
    for one in begun:
        one.stop(5)


def test_a_file_is_taken_up_between_two_rounds(tmp_path: Path, started: Callable[[Reconciler], None]) -> None:
    """A write that is under way is that of the file before, whole; the next is that of the new one."""
    cluster, board = Waiting(tmp_path), Board()
    place(board, spec(A, B))
    reconciler = Reconciler(cluster, board, [spec(A, B)], lambda _event: None, clocks=Clocks())
    started(reconciler)
    assert cluster.writing.wait(5)
    placed: list[bool] = []

    def place_new() -> None:
        placed.append((tmp_path / "default" / f"{KEY.name}.yaml").exists())
        place(board, spec(A))

    asking = threading.Thread(target=reconciler.replace, args=([spec(A)], place_new))
    asking.start()
    wait_until(lambda: not reconciler._jobs.empty(), 5, "the question")
    assert placed == []
    cluster.go.set()
    asking.join(5)
    assert placed == [True]
    wait_until(lambda: lists(tmp_path) == ([], [A]), 5, "the write of the new file")


def test_an_annotation_takes_out_and_gives_back_without_a_probe(tmp_path: Path) -> None:
    """At the next look at the Service, with the verdict that the host has; what names nobody is told once."""
    cluster = Annotated(tmp_path)
    desk = Desk(cluster, spec(A, B))
    cluster.drain = (B, "db9")
    for _ in range(3):
        desk.rounds()
    assert lists(tmp_path) == ([A], [B])
    assert desk.reconciler.standings()[KEY].drain.hosts == (B,)
    cluster.drain = ()
    desk.rounds()
    assert lists(tmp_path) == ([A, B], [])
    told = [event for event in desk.events if isinstance(event, (DrainChanged, DrainUnknown))]
    assert told == [DrainChanged(KEY, (B,)), DrainUnknown(KEY, "db9"), DrainChanged(KEY, ())]
