"""Make before break, through whole rounds over the real folder: no version without a ready address for nothing."""

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
from mooring.model.events import Event
from mooring.model.facts import Facts
from mooring.model.objects import PublishTarget, StoredObjects
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, Publish, Requirement, Role, ServiceSpec
from mooring.publish.reconcile import Reconciler

A, B, C, NEW = "10.20.0.11", "10.20.0.12", "10.20.0.13", "10.20.0.21"
NAME = "db1.example.com"


class Drained(LocalCluster):
    """A folder whose Service drains hosts; a folder itself has no Services."""

    drain: tuple[str, ...] = ()

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget(spec.ports, drain=tuple(map(overrides.Drained, self.drain)))


class Desk:
    """A Mooring over the folder whose hosts are ready, with its own time, and the ready sets that it ever stored."""

    def __init__(self, folder: Path, one: ServiceSpec) -> None:
        self.cluster, self.store, self.events, self.now = Drained(folder), HealthStore(), list[Event](), 100.0
        self.store.set_members(one, members(one, {}, ()))
        clocks = Clocks(monotonic=lambda: self.now, wall=lambda: 1_700_000_000.0 + self.now)
        self.left = 0
        self.reconciler = Reconciler(
            self.cluster, self.store, [one], self.events.append, clocks=clocks, on_left=self._on_left
        )
        self.versions: list[set[str]] = []
        self.rounds()
        for host in one.hosts:
            self.hear(host.address)

    def _on_left(self) -> None:
        self.left += 1

    def become(self, *hosts: HostSpec, names: dict[str, tuple[str, ...]] | None = None) -> None:
        one = replace(self.reconciler._services[KEY].spec or spec(A), hosts=hosts)
        found = members(one, names or {}, ())
        self.reconciler.replace([one], lambda: self.store.set_members(one, found, reloaded_at=self.now))
        self.versions.clear()
        self.rounds()

    def rounds(self, after: float = 0.0) -> None:
        self.now += after
        self.reconciler.wake([KEY])
        self.reconciler.rounds()
        self.versions.append(set(StoredObjects(self.cluster.read(KEY), self.cluster.slices(KEY)).ready))

    def hear(self, address: str, reason: Reason = Reason.OK) -> None:
        self.now += 0.01
        (target,) = (one for one in self.store.targets() if one.address == address)
        said = Observation(reason, facts=Facts()) if reason is Reason.OK else Observation(reason)
        self.store.take([replace(report(target, reason, started=self.now), observation=said)])
        self.rounds()

    @property
    def ready(self) -> set[str]:
        return self.versions[-1]

    @property
    def probed(self) -> set[str]:
        return {target.address for target in self.store.targets()}


@pytest.fixture(params=list(Publish), ids=str)
def publish(request: pytest.FixtureRequest) -> Publish:
    mode: Publish = request.param
    return mode


def service(publish: Publish, *hosts: HostSpec, role: Role = Role.ANY) -> ServiceSpec:
    one = spec(A)
    return replace(one, hosts=hosts, publish=publish, check=replace(one.check, requirement=Requirement(role)))


DB1, DB2, MOVED = HostSpec("db1", A), HostSpec("db2", B), HostSpec("db1", NEW)


@pytest.mark.parametrize("role", [Role.ANY, Role.PRIMARY])
def test_a_database_that_moves_costs_no_login(tmp_path: Path, publish: Publish, role: Role) -> None:
    """The old address is probed and published until the new one is ready; they change in one write."""
    desk = Desk(tmp_path, service(publish, DB1, role=role))
    desk.become(MOVED)
    assert (desk.ready, desk.probed) == ({A}, {A, NEW})
    desk.hear(A)
    assert desk.ready == {A}
    desk.hear(NEW)
    assert desk.ready == {NEW}
    assert set() not in desk.versions
    assert desk.probed == {NEW}
    assert desk.left == 1


def test_all_hosts_replaced_at_once(tmp_path: Path, publish: Publish) -> None:
    """Hosts without names of their own: the old ones stay until the first new one is ready."""
    desk = Desk(tmp_path, service(publish, HostSpec(A, A), HostSpec(B, B)))
    desk.become(HostSpec(C, C), HostSpec(NEW, NEW))
    assert desk.ready == {A, B}
    desk.hear(NEW)
    assert desk.ready == {NEW}
    assert set() not in desk.versions


@pytest.mark.parametrize("named", [True, False])
def test_a_host_that_is_removed_while_another_is_ready_leaves_at_once(
    tmp_path: Path, publish: Publish, *, named: bool
) -> None:
    """Nobody waits for a host that has no successor."""
    desk = Desk(tmp_path, service(publish, DB1 if named else HostSpec(A, A), DB2))
    desk.become(DB2)
    assert (desk.ready, desk.probed) == ({B}, {B})


def test_a_named_host_that_moves_stays_although_another_is_ready(tmp_path: Path, publish: Publish) -> None:
    """Its own new address replaces it, and no other."""
    desk = Desk(tmp_path, service(publish, DB1, DB2))
    desk.become(MOVED, DB2)
    assert desk.ready == {A, B}
    desk.hear(B)
    assert desk.ready == {A, B}
    desk.hear(NEW)
    assert desk.ready == {NEW, B}


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.TIMEOUT, Reason.WRONG_ROLE])
def test_its_first_failure_ends_its_stay(tmp_path: Path, publish: Publish, reason: Reason) -> None:
    """No threshold protects an address that the file does not list."""
    desk = Desk(tmp_path, service(publish, DB1))
    desk.become(MOVED)
    desk.hear(A, reason)
    assert desk.ready == set()
    assert desk.probed == {NEW}


def test_an_unknown_outcome_does_not_end_its_stay(tmp_path: Path, publish: Publish) -> None:
    """What is our fault moves nothing."""
    desk = Desk(tmp_path, service(publish, DB1))
    desk.become(MOVED)
    desk.hear(A, Reason.AUTH)
    assert desk.ready == {A}


@pytest.mark.parametrize(("period", "stays"), [(2.0, 3.0), (60.0, 10.0)])
def test_its_stay_is_bounded(tmp_path: Path, publish: Publish, period: float, stays: float) -> None:
    """One period and timeout, ten seconds at most; the daemon looks again by itself."""
    one = service(publish, DB1)
    desk = Desk(tmp_path, replace(one, check=replace(one.check, period=period)))
    desk.become(MOVED)
    begun = desk.now
    assert desk.reconciler.publications()[KEY].look_at == pytest.approx(begun + stays)
    desk.hear(NEW, Reason.AUTH)
    desk.rounds(after=stays - 0.1)
    assert desk.ready == {A}
    desk.rounds(after=0.2)
    assert (desk.ready, desk.probed) == (set(), {NEW})


@pytest.mark.parametrize("reason", [Reason.OK, Reason.REFUSED, None], ids=str)
def test_a_daemon_that_stood_still_asks_the_new_address_first(
    tmp_path: Path, publish: Publish, reason: Reason | None
) -> None:
    """Nothing was asked within a period and timeout: the old address stays until the new one is heard, or for ten."""
    desk = Desk(tmp_path, service(publish, DB1))
    desk.become(MOVED)
    begun = desk.now
    desk.rounds(after=4.0)
    assert desk.ready == {A}
    assert desk.reconciler.publications()[KEY].look_at == pytest.approx(begun + 10.0)
    if reason is None:
        desk.rounds(after=6.1)
    else:
        desk.hear(NEW, reason)
    assert desk.ready == ({NEW} if reason is Reason.OK else set())
    assert desk.probed == {NEW}


@pytest.mark.parametrize("how", ["maintenance", "drain"])
def test_one_in_maintenance_or_drained_does_not_stay(tmp_path: Path, publish: Publish, how: str) -> None:
    """Somebody took it out."""
    desk = Desk(tmp_path, service(publish, DB1))
    if how == "drain":
        desk.cluster.drain = ("db1",)
    desk.become(replace(MOVED, maintenance=how == "maintenance"))
    assert desk.ready == set()


def test_one_that_was_failing_does_not_stay(tmp_path: Path, publish: Publish) -> None:
    """An address with a failure against it is no sound one."""
    desk = Desk(tmp_path, service(publish, DB1))
    desk.now += 10.0
    desk.hear(A, Reason.REFUSED)
    assert desk.ready == {A}
    desk.become(MOVED)
    assert desk.ready == set()


def test_a_second_reload_forgets_nobody(tmp_path: Path, publish: Publish) -> None:
    """The first address goes on staying, within its own bound, and one that is listed again keeps its verdict."""
    desk = Desk(tmp_path, service(publish, DB1))
    desk.become(MOVED)
    desk.become(HostSpec("db1", C))
    assert desk.ready == {A}
    desk.become(DB1)
    assert (desk.ready, desk.probed) == ({A}, {A})
    desk.rounds(after=20.0)
    assert desk.ready == {A}


def test_an_address_that_a_name_replaces_stays_within_the_bound(tmp_path: Path, publish: Publish) -> None:
    """Until the name was resolved and its address is ready, or the bound is over."""
    desk = Desk(tmp_path, service(publish, DB1))
    desk.become(HostSpec("db1", NAME))
    assert desk.ready == {A}
    one = service(publish, HostSpec("db1", NAME))
    desk.store.set_members(one, members(one, {NAME: (NEW,)}, ()))
    desk.rounds()
    assert desk.ready == {A}
    desk.hear(NEW)
    assert desk.ready == {NEW}
