"""From a verdict to the slices that kube-proxy reads, over the real folder; the mirroring controller is played."""

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
from mooring.model.objects import MIRROR, Condition, Endpoint, PublishTarget, Slice, StoredSlice
from mooring.model.publish_events import Effective
from mooring.model.reasons import Reason
from mooring.model.spec import Publish, ServiceKey, ServiceSpec
from mooring.publish.reconcile import Reconciler

A, B = "10.20.0.11", "10.20.0.12"


class Mirrored(LocalCluster):
    """A folder whose Endpoints somebody copies into slices, when ``mirror`` is called."""

    follows = True
    copies: tuple[StoredSlice, ...] = ()

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget(spec.ports, mirrored=self.follows)

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        return (*super().slices(key), *self.copies)

    def mirror(self) -> None:
        held = self.read(KEY)
        self.copies = ()
        for subset in held.subsets if held else ():
            ready = [Endpoint(one, Condition.READY) for one in subset.ready]
            out = [Endpoint(one, Condition.NOT_READY) for one in subset.not_ready]
            copy = Slice("db-x7k2p", "IPv4", (*ready, *out), subset.ports)
            self.copies = (StoredSlice("1", MIRROR, copy),)


class Desk:
    """A Mooring over the folder, with its own time and what it reported."""

    def __init__(self, cluster: Mirrored, publish: Publish = Publish.ENDPOINTS) -> None:
        one = replace(spec(A, B), publish=publish)
        self.store, self.events, self.now = HealthStore(), list[Event](), 100.0
        self.store.set_members(one, members(one, {}, ()))
        clocks = Clocks(monotonic=lambda: self.now)
        self.reconciler = Reconciler(cluster, self.store, [one], self.events.append, clocks=clocks)
        self.rounds()

    def rounds(self, after: float = 0.0) -> None:
        self.now += after
        self.reconciler.wake([KEY])
        self.reconciler.rounds()

    def hear(self, address: str, reason: Reason = Reason.OK) -> None:
        """One probe that ends now."""
        (target,) = (one for one in self.store.targets() if one.address == address)
        self.store.take([replace(report(target, reason, started=self.now), ended=self.now)])

    @property
    def effective(self) -> list[tuple[float, ...]]:
        return [
            tuple(round(one, 3) for one in event.latencies) for event in self.events if isinstance(event, Effective)
        ]


def test_the_time_ends_when_the_mirrored_slices_hold_it(tmp_path: Path) -> None:
    """Not when the Endpoints is stored; each verdict counts once."""
    cluster = Mirrored(tmp_path)
    desk = Desk(cluster)
    desk.hear(A)
    desk.rounds()
    assert desk.effective == []
    desk.now += 2.5
    cluster.mirror()
    for _ in range(3):
        desk.rounds()
    assert desk.effective == [(2.5,)]


def test_verdicts_that_wait_together_count_each_from_its_own_time(tmp_path: Path) -> None:
    """Where the slices follow only once, after two writes."""
    cluster = Mirrored(tmp_path)
    desk = Desk(cluster)
    desk.hear(A)
    desk.rounds()
    desk.now += 10.0
    desk.hear(B)
    desk.rounds()
    cluster.mirror()
    desk.rounds(after=1.0)
    assert desk.effective == [(11.0, 1.0)]


@pytest.mark.parametrize("publish", [Publish.SLICES, Publish.BOTH])
def test_own_slices_are_effective_when_they_are_stored(tmp_path: Path, publish: Publish) -> None:
    """Nobody has to copy them."""
    desk = Desk(Mirrored(tmp_path), publish)
    desk.hear(A)
    desk.rounds(after=0.25)
    assert desk.effective == [(0.25,)]


def test_a_folder_has_no_traffic(tmp_path: Path) -> None:
    """There nothing is counted."""
    cluster = Mirrored(tmp_path)
    cluster.follows = False
    desk = Desk(cluster)
    desk.hear(A)
    desk.rounds()
    assert desk.effective == []
