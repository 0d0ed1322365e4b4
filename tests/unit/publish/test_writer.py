"""Writing step by step: over the real folder, through the reconciler, with EndpointSlices beside Endpoints."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from lab.values import KEY, report, spec
from mooring.cluster.local import LocalCluster
from mooring.cluster.protocol import Cluster
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.errors import Rejected, Unavailable
from mooring.model.events import (
    AddressRemoved,
    Event,
    NotPublished,
    Published,
    Repaired,
    TrafficWarningFound,
    WriteFailed,
)
from mooring.model.objects import (
    Condition,
    Endpoint,
    EndpointsWrite,
    PublishTarget,
    SliceWrite,
    StoredEndpoints,
    StoredSlice,
)
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, Publish, ServiceKey, ServiceSpec
from mooring.plan.traffic_warning import GRACE_SECONDS
from mooring.publish.reconcile import Reconciler

A, B, SIX = "10.20.0.11", "10.20.0.12", "fd00::11"
BOTH, SLICES, ENDPOINTS = Publish.BOTH, Publish.SLICES, Publish.ENDPOINTS


def wanted(publish: Publish, *hosts: HostSpec) -> ServiceSpec:
    return replace(spec(A, B), publish=publish, **({"hosts": hosts} if hosts else {}))  # type: ignore[arg-type]  # by name


class Desk:
    """A reconciler over a cluster, with what it told."""

    def __init__(self, cluster: Cluster, one: ServiceSpec) -> None:
        self.store = HealthStore()
        self.events: list[Event] = []
        self.now = 100.0
        self.cluster = cluster
        self.store.set_members(one, members(one, {}, ()))
        clocks = Clocks(monotonic=lambda: self.now, wall=lambda: 1_700_000_000.0 + self.now)
        self.reconciler = Reconciler(cluster, self.store, [one], self.events.append, clocks=clocks)
        self.rounds()

    def become(self, one: ServiceSpec) -> None:
        self.reconciler.replace([one], lambda: self.store.set_members(one, members(one, {}, ())))
        self.rounds()

    def rounds(self) -> None:
        self.reconciler.notice([KEY])
        self.reconciler.rounds()

    def hear(self, address: str, reason: Reason = Reason.OK, times: int = 1) -> None:
        (target,) = (t for t in self.store.targets() if t.address == address)
        for _ in range(times):
            self.now += 10.0
            self.store.take([report(target, reason, started=self.now)])
        self.rounds()

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def written(self) -> list[type]:
        found = [type(event.change) for event in self.events if isinstance(event, Published)]
        self.events.clear()
        return found

    def conditions(self) -> dict[str, str]:
        entries = [entry for one in self.cluster.slices(KEY) for entry in one.slice.endpoints]
        return {entry.address: entry.condition.value for entry in entries}

    @property
    def error(self) -> str | None:
        return self.reconciler.publications()[KEY].error


class Mirrored(LocalCluster):
    """A folder that says of itself that Endpoints are mirrored there; a folder has no such controller of its own."""

    foreign: tuple[StoredSlice, ...] = ()

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget(spec.ports, mirrored=True)

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        return (*super().slices(key), *self.foreign)


@pytest.mark.parametrize(
    ("publish", "kinds"),
    [(ENDPOINTS, [EndpointsWrite]), (SLICES, [SliceWrite]), (BOTH, [SliceWrite, EndpointsWrite])],
    ids=lambda one: one.value if isinstance(one, Publish) else "",
)
def test_each_mode_writes_its_objects_once(tmp_path: Path, publish: Publish, kinds: list[type]) -> None:
    """A first look, a verdict, and nothing without a change; the data plane comes first."""
    desk = Desk(LocalCluster(tmp_path), wanted(publish))
    assert desk.written() == kinds
    desk.hear(A)
    assert desk.written() == kinds
    desk.rounds()
    desk.hear(A)
    assert desk.written() == []


def test_all_that_a_change_of_publish_needs_is_done_in_one_round(tmp_path: Path) -> None:
    """From mirrored to own and back: each step is told, and at the end nothing is left."""
    desk = Desk(LocalCluster(tmp_path), wanted(ENDPOINTS))
    desk.written()
    for publish, kinds in (
        (SLICES, [SliceWrite, EndpointsWrite]),
        (BOTH, [EndpointsWrite]),
        (ENDPOINTS, [EndpointsWrite, SliceWrite]),
    ):
        desk.become(wanted(publish))
        assert desk.written() == kinds
    assert desk.cluster.slices(KEY) == ()


def test_a_slice_bears_the_moment_of_the_evidence(tmp_path: Path) -> None:
    """Not of the verdict, nor of the write: when the first of the probes that counted began."""
    desk = Desk(LocalCluster(tmp_path), wanted(SLICES))
    desk.hear(A)
    desk.hear(A, Reason.REFUSED, times=3)
    change = [event.change for event in desk.events if isinstance(event, Published)][-1]
    assert isinstance(change, SliceWrite)
    assert change.evidence == pytest.approx(1_700_000_000.0 + 120.0 - 0.01, abs=0.02)
    assert desk.conditions() == {A: "not-ready", B: "not-ready"}


def test_a_restart_begins_with_what_the_slices_say(tmp_path: Path) -> None:
    """Also where the Endpoints says nothing: the verdicts are as they were stored, by slice."""
    Desk(LocalCluster(tmp_path), wanted(SLICES)).hear(A)
    desk = Desk(LocalCluster(tmp_path), wanted(SLICES))
    assert desk.written() == []
    desk.hear(A, Reason.REFUSED, times=2)
    assert desk.conditions() == {A: "ready", B: "not-ready"}


def test_a_restart_keeps_a_last_resort(tmp_path: Path) -> None:
    """Until it is seen otherwise, it stays one; a word that is no such reason ends it."""
    one = replace(wanted(SLICES), last_resort=frozenset({Reason.SATURATED}))
    desk = Desk(LocalCluster(tmp_path), one)
    desk.hear(A, Reason.SATURATED)
    assert desk.conditions()[A] == "last-resort"
    again = Desk(LocalCluster(tmp_path), one)
    assert (again.written(), again.conditions()[A]) == ([], "last-resort")
    again.hear(A, Reason.AUTH)
    assert again.conditions()[A] == "last-resort"
    again.hear(A, Reason.REFUSED)
    assert again.conditions()[A] == "not-ready"


def test_both_addresses_of_a_host_share_its_verdict(tmp_path: Path) -> None:
    """One probe, two endpoints, a slice a family; a restart knows it by either address."""
    two = HostSpec("db1", A, also=(SIX,), zone="eu-1a")
    desk = Desk(LocalCluster(tmp_path), wanted(SLICES, two))
    desk.hear(A)
    assert desk.conditions() == {A: "ready", SIX: "ready"}
    assert {entry.zone for one in desk.cluster.slices(KEY) for entry in one.slice.endpoints} == {"eu-1a"}
    turned = Desk(LocalCluster(tmp_path), wanted(SLICES, HostSpec("db1", SIX, also=(A,), zone="eu-1a")))
    assert turned.written() == []


def test_an_edit_of_a_slice_is_repaired_and_told(tmp_path: Path) -> None:
    """An address that nobody listed is named as it goes."""
    desk = Desk(LocalCluster(tmp_path), wanted(SLICES))
    [held] = desk.cluster.slices(KEY)
    stranger = Endpoint("10.20.0.99", Condition.READY)
    edited = replace(held.slice, endpoints=(*held.slice.endpoints, stranger))
    desk.cluster.apply_slice(SliceWrite(KEY, held, edited), math.inf)
    desk.events.clear()
    desk.rounds()
    assert desk.told(Repaired) == [Repaired(KEY)]
    assert desk.told(AddressRemoved) == [AddressRemoved(KEY, "10.20.0.99")]
    assert "10.20.0.99" not in desk.conditions()


class NoSlices(LocalCluster):
    """A folder that forbids slices, as an API server without the rights for them would."""

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        raise Rejected("endpointslices is forbidden")


@pytest.mark.parametrize(("publish", "served"), [(ENDPOINTS, True), (SLICES, False), (BOTH, False)])
def test_who_may_not_read_slices_can_still_keep_endpoints(tmp_path: Path, publish: Publish, served: bool) -> None:  # noqa: FBT001 -- table
    """Rights that a mode does not need are not asked for; those that it needs are named where they are missing."""
    desk = Desk(NoSlices(tmp_path), wanted(publish))
    assert bool(desk.told(Published)) is served
    assert [event.refused for event in desk.events if isinstance(event, NotPublished)] == ([] if served else [True])


class Failing(LocalCluster):
    """A folder whose slices, or whose Endpoints, fail to be written now and then, as an API server's."""

    fails: frozenset[type] = frozenset()

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        self._fail(EndpointsWrite)
        return super().apply(change, until)

    def apply_slice(self, change: SliceWrite, until: float = math.inf) -> StoredSlice | None:
        self._fail(SliceWrite)
        return super().apply_slice(change, until)

    def _fail(self, kind: type) -> None:
        if kind in self.fails:
            raise Unavailable("no answer")


@pytest.mark.parametrize(
    ("fails", "after"), [(EndpointsWrite, [EndpointsWrite]), (SliceWrite, [SliceWrite, EndpointsWrite])]
)
def test_what_could_not_be_written_is_taken_up_where_it_broke_off(
    tmp_path: Path, fails: type, after: list[type]
) -> None:
    """A failed write is told, and the next round goes on from what is stored."""
    cluster = Failing(tmp_path)
    desk = Desk(cluster, wanted(BOTH))
    desk.written()
    cluster.fails = frozenset({fails})
    desk.hear(A)
    assert len(desk.told(WriteFailed)) == 1
    cluster.fails = frozenset()
    desk.events.clear()
    desk.now += 10.0
    desk.rounds()
    assert desk.written() == after


def ring(desk: Desk, seconds: Iterable[float]) -> list[Event]:
    for step in seconds:
        desk.now += step
        desk.rounds()
    return desk.told(TrafficWarningFound)


def test_a_traffic_warning_is_reported_once_and_ends(tmp_path: Path) -> None:
    """Nobody mirrors: told after a while, once, and shown for as long as it lasts."""
    cluster = Mirrored(tmp_path)
    desk = Desk(cluster, wanted(ENDPOINTS))
    assert ring(desk, (0.5, 1.0, GRACE_SECONDS - 3)) == []
    assert desk.error is None
    [told] = ring(desk, (3.0, 1.0, 1.0))
    assert isinstance(told, TrafficWarningFound)
    assert told.kind == "NotMirrored"
    assert desk.error == told.why
    desk.become(wanted(SLICES))
    assert not desk.error


def test_slices_of_others_are_told_at_once(tmp_path: Path) -> None:
    """A second source of traffic needs no patience; what is wanted is published all the same."""
    cluster = Mirrored(tmp_path)
    made = Desk(LocalCluster(tmp_path), wanted(SLICES)).cluster.slices(KEY)
    cluster.foreign = (replace(made[0], managed_by="endpointslice-controller.k8s.io"),)
    desk = Desk(cluster, wanted(SLICES))
    assert [event.kind for event in desk.events if isinstance(event, TrafficWarningFound)] == ["ForeignSlices"]
    desk.hear(A)
    assert desk.conditions()[A] in {"ready", "not-ready"}
    assert len(desk.told(TrafficWarningFound)) == 1
