"""Pause and trust through whole rounds, over the real folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.values import KEY, report, spec
from mooring.cluster.local import LocalCluster
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.events import Event
from mooring.model.objects import PublishTarget, StoredObjects
from mooring.model.overrides import Pause, Trusted
from mooring.model.publish_events import PauseChanged
from mooring.model.reasons import Reason
from mooring.model.spec import Publish, ServiceSpec
from mooring.publish.reconcile import Reconciler

A, B = "10.20.0.11", "10.20.0.12"
WALL = 1_700_000_000.0


class Annotated(LocalCluster):
    """A folder whose Service has annotations; a folder itself has no Services."""

    pause: Pause | None = None
    trust: tuple[Trusted, ...] = ()

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget(spec.ports, pause=self.pause, trust=self.trust)


class Desk:
    """A Mooring over the folder, with its own time."""

    def __init__(self, folder: Path, publish: Publish) -> None:
        one = replace(spec(A, B), publish=publish)
        self.cluster, self.store, self.events, self.now = Annotated(folder), HealthStore(), list[Event](), 100.0
        self.store.set_members(one, members(one, {}, ()))
        clocks = Clocks(monotonic=lambda: self.now, wall=lambda: WALL + self.now)
        self.reconciler = Reconciler(self.cluster, self.store, [one], self.events.append, clocks=clocks)
        self.rounds()

    def rounds(self) -> None:
        self.reconciler.wake([KEY])
        self.reconciler.rounds()

    def hear(self, address: str, reason: Reason, times: int = 1) -> None:
        (target,) = (one for one in self.store.targets() if one.address == address)
        for _ in range(times):
            self.now += 10.0
            self.store.take([report(target, reason, started=self.now)])
        self.rounds()

    @property
    def ready(self) -> set[str]:
        return set(StoredObjects(self.cluster.read(KEY), self.cluster.slices(KEY)).ready)


@pytest.fixture(params=list(Publish), ids=str)
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    made = Desk(tmp_path, request.param)
    made.hear(A, Reason.OK)
    made.hear(B, Reason.OK)
    return made


def test_nothing_is_written_while_a_service_is_paused(desk: Desk) -> None:
    """Probes go on; the objects stay, whoever dies; by the end of the pause the truth is stored at once."""
    until = WALL + desk.now + 1000.0
    desk.cluster.pause = Pause(until, "ada", "moving")
    desk.hear(A, Reason.REFUSED, times=3)
    assert desk.ready == {A, B}
    state = desk.reconciler.publications()[KEY]
    assert (state.pause, state.error) == (desk.cluster.pause, None)
    assert state.look_at == pytest.approx(until - WALL)
    assert [event for event in desk.events if isinstance(event, PauseChanged)] == [PauseChanged(KEY, state.pause)]
    desk.now = until - WALL
    desk.reconciler.rounds()
    assert desk.ready == {B}
    assert desk.events.count(PauseChanged(KEY, None)) == 1


def test_a_resumed_service_is_kept_again(desk: Desk) -> None:
    """When the annotation is taken away."""
    desk.cluster.pause = Pause()
    desk.hear(A, Reason.REFUSED, times=3)
    desk.cluster.pause = None
    desk.rounds()
    assert desk.ready == {B}


def test_a_trusted_host_serves_while_nothing_is_known_of_it(desk: Desk) -> None:
    """For the time that somebody vouches for it, and until a probe says otherwise."""
    desk.hear(A, Reason.REFUSED, times=3)
    desk.hear(A, Reason.AUTH)
    assert desk.ready == {B}
    until = WALL + desk.now + 500.0
    desk.cluster.trust = (Trusted(A, until, "a"),)
    desk.rounds()
    assert desk.ready == {A, B}
    desk.now = until - WALL
    desk.reconciler.rounds()
    assert desk.ready == {B}


def test_a_failure_ends_what_trust_allowed(desk: Desk) -> None:
    """A host that is known to be dead gets no traffic, whoever vouches for it."""
    desk.hear(A, Reason.REFUSED, times=3)
    desk.cluster.trust = (Trusted(A, WALL + 1e6, "a"),)
    desk.hear(A, Reason.AUTH)
    assert desk.ready == {A, B}
    desk.hear(A, Reason.REFUSED)
    assert desk.ready == {B}
