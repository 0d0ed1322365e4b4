"""Addresses that leave although another name of their Service does not resolve, over the real folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.values import KEY, report, spec
from mooring.cluster.local import LocalCluster
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.model import overrides
from mooring.model.clocks import Clocks
from mooring.model.events import AddressRemoved, Event
from mooring.model.objects import PublishTarget, StoredObjects
from mooring.model.publish_events import AddressesHeld
from mooring.model.spec import HostSpec, Publish, ServiceSpec
from mooring.publish.reconcile import Reconciler

A, B, IP = "10.20.0.11", "10.20.0.12", "10.20.0.13"
NAME, TYPO = "db3.example.com", "typo.example.invalid"
Names = dict[str, tuple[str, ...]]


class Drained(LocalCluster):
    """A folder whose Service drains hosts; a folder itself has no Services."""

    drain: tuple[str, ...] = ()

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget(spec.ports, drain=tuple(map(overrides.Drained, self.drain)))


class Run:
    """One life of a daemon over the folder."""

    def __init__(self, folder: Path, one: ServiceSpec, names: Names | None = None, drain: tuple[str, ...] = ()) -> None:
        self.cluster = Drained(folder)
        self.cluster.drain = drain
        self.store = HealthStore()
        self.events: list[Event] = []
        self.store.set_members(one, members(one, names or {}, ()))
        self.reconciler = Reconciler(self.cluster, self.store, [one], self.events.append, clocks=Clocks())
        self.rounds()
        self.store.take([report(target, started=100.0) for target in self.store.targets()])
        self.rounds()

    def become(self, one: ServiceSpec, names: Names | None = None) -> None:
        found = members(one, names or {}, ())
        self.reconciler.replace([one], lambda: self.store.set_members(one, found))
        self.rounds()

    def rounds(self) -> None:
        self.reconciler.notice([KEY])
        self.reconciler.rounds()

    @property
    def ready(self) -> set[str]:
        return set(StoredObjects(self.cluster.read(KEY), self.cluster.slices(KEY)).ready)

    @property
    def held(self) -> tuple[str, ...]:
        return self.reconciler.publications()[KEY].held


@pytest.fixture(params=list(Publish), ids=str)
def publish(request: pytest.FixtureRequest) -> Publish:
    mode: Publish = request.param
    return mode


def service(publish: Publish, *hosts: HostSpec | str) -> ServiceSpec:
    every = tuple(HostSpec(host, host) if isinstance(host, str) else host for host in hosts)
    return replace(spec(A), hosts=every, publish=publish)


@pytest.mark.parametrize("restart", [False, True], ids=["reload", "restart"])
def test_a_literal_that_leaves_the_file_leaves_although_a_name_does_not_resolve(
    tmp_path: Path, publish: Publish, *, restart: bool
) -> None:
    """A decommissioned host gets no traffic for another host's typo, after a reload and after a restart."""
    run = Run(tmp_path, service(publish, A, B, TYPO))
    assert run.ready == {A, B}
    after = service(publish, B, TYPO)
    if restart:
        run = Run(tmp_path, after)
    else:
        run.become(after)
    assert run.ready == {B}
    assert run.held == ()


def test_one_of_several_addresses_of_a_host_is_a_literal_too(tmp_path: Path, publish: Publish) -> None:
    """What a host lists under ``addresses`` leaves with it."""
    run = Run(tmp_path, service(publish, B, HostSpec("a", A, also=(IP,)), TYPO))
    run.become(service(publish, B, TYPO))
    assert run.ready == {B}


def test_an_address_of_a_name_that_waits_is_held_and_reported(tmp_path: Path, publish: Publish) -> None:
    """A restart during an outage of the name server takes nobody out; the log says who is held, and for which name."""
    Run(tmp_path, service(publish, A, NAME), {NAME: (IP,)})
    run = Run(tmp_path, service(publish, A, NAME))
    assert run.ready == {A, IP}
    assert run.held == (IP,)
    run.rounds()
    assert [one for one in run.events if isinstance(one, AddressesHeld)] == [AddressesHeld(KEY, (IP,), (NAME,))]
    run.store.set_members(service(publish, A, NAME), members(service(publish, A, NAME), {NAME: (IP,)}, ()))
    run.rounds()
    assert run.ready == {A, IP}
    assert run.events[-1] == AddressesHeld(KEY, ())


def test_an_address_of_a_name_that_left_the_file_is_not_held_for_another(tmp_path: Path, publish: Publish) -> None:
    """The object notes which name an address came from."""
    Run(tmp_path, service(publish, A, NAME), {NAME: (IP,)})
    run = Run(tmp_path, service(publish, A, TYPO))
    assert run.ready == {A}


@pytest.mark.parametrize("how", ["maintenance", "drain"])
def test_an_unresolved_host_in_maintenance_or_drained_is_not_held(tmp_path: Path, publish: Publish, how: str) -> None:
    """Somebody took it out, so it is not ready; whatever the name server says."""
    Run(tmp_path, service(publish, A, HostSpec("db3", NAME)), {NAME: (IP,)})
    host = HostSpec("db3", NAME, maintenance=how == "maintenance")
    run = Run(tmp_path, service(publish, A, host, TYPO), drain=("db3",) if how == "drain" else ())
    assert run.ready == {A}
    assert any(isinstance(event, AddressRemoved) and event.address == IP for event in run.events)
