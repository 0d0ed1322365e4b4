"""No port is published as ready that was not found good, through whole rounds, over the real folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.values import KEY, report, spec
from mooring.cluster.local import LocalCluster
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.events import Event
from mooring.model.objects import Condition, PublishTarget, StoredObjects
from mooring.model.publish_events import PortsChanged, PortsPending, ProbedPortGone
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, Port, Publish, ServiceSpec
from mooring.probe.inventory import Inventory
from mooring.publish.reconcile import Reconciler

A, B = "10.20.0.11", "10.20.0.12"
OLD, NEW = (Port("mysql", 3306),), (Port("mysql", 3307),)
REDIS, BUS = Port("redis", 6379), Port("bus", 16379)
Serving = set[tuple[str, int]]


class Ported(LocalCluster):
    """A folder whose Service has ports of its own; a folder itself has no Services."""

    ports: tuple[Port, ...] = OLD

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget(spec.ports or self.ports)


class Run:
    """One life of a daemon over the folder; its own time, and every version that it stored."""

    def __init__(self, folder: Path, one: ServiceSpec, ports: tuple[Port, ...] = OLD) -> None:
        self.cluster, self.store, self.events, self.now = Ported(folder), HealthStore(), list[Event](), 100.0
        self.cluster.ports = ports
        clocks = Clocks(monotonic=lambda: self.now, wall=lambda: 1_700_000_000.0 + self.now)
        self.inventory = Inventory(
            [one], self.store, (), self.events.append, lambda _keys: None, monotonic=clocks.monotonic
        )
        self.inventory.start()
        self.reconciler = Reconciler(
            self.cluster, self.store, [one], self.events.append, clocks=clocks, on_ports=self.inventory.set_ports
        )
        self.versions: list[Serving] = []
        self.rounds()

    def become(self, one: ServiceSpec) -> None:
        self.reconciler.replace([one], lambda: self.inventory.replace([one]))
        self.rounds()

    def rounds(self) -> None:
        self.reconciler.wake([KEY])
        self.reconciler.rounds()
        self.versions.append(self.ready)

    def turn(self, answers: Callable[[str, int], Reason]) -> None:
        """Each target is probed once."""
        self.now += 10.0
        for target in self.store.targets():
            taken = self.store.take([report(target, answers(target.address, target.port), started=self.now)])
            self.events += taken.events
        self.rounds()

    @property
    def ready(self) -> Serving:
        """Addresses and ports that are published as ready."""
        stored = StoredObjects(self.cluster.read(KEY), self.cluster.slices(KEY))
        found = {
            (address, port.port)
            for subset in (stored.endpoints.subsets if stored.endpoints else ())
            for address in subset.ready
            for port in subset.ports
        }
        return found | {
            (address, port.port)
            for one in stored.slices
            for address in one.slice.of(Condition.READY)
            for port in one.slice.ports
        }

    @property
    def probed(self) -> Serving:
        return {(target.address, target.port) for target in self.store.targets()}

    def reported(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def only(*ports: int) -> Callable[[str, int], Reason]:
    return lambda _address, port: Reason.OK if port in ports else Reason.REFUSED


@pytest.fixture(params=list(Publish), ids=str)
def publish(request: pytest.FixtureRequest) -> Publish:
    mode: Publish = request.param
    return mode


def service(publish: Publish, ports: tuple[Port, ...] = (), *hosts: HostSpec) -> ServiceSpec:
    one = replace(spec(A, B), publish=publish, ports=ports)
    return replace(one, hosts=hosts) if hosts else one


def both(port: int) -> Serving:
    return {(A, port), (B, port)}


HOWS = ["reload", "service", "restart"]


def changed(run: Run, folder: Path, publish: Publish, how: str) -> Run:
    """The ports change to ``NEW``: in the file, in the Service, or in the file between two starts."""
    if how == "reload":
        run.become(service(publish, NEW))
    elif how == "service":
        run.cluster.ports = NEW
        run.rounds()
    else:
        run = Run(folder, service(publish, NEW))
    return run


@pytest.mark.parametrize("how", HOWS)
def test_a_port_where_nobody_answers_is_never_published(tmp_path: Path, publish: Publish, how: str) -> None:
    """A typo in the file, or a Service edited by mistake, costs nothing; the difference is reported once."""
    run = Run(tmp_path, service(publish, () if how == "service" else OLD))
    run.turn(only(3306))
    assert run.ready == both(3306)
    run = changed(run, tmp_path, publish, how)
    assert run.probed == both(3306) | both(3307)
    for _ in range(6):
        run.turn(only(3306))
    assert run.ready == both(3306)
    assert all(version == both(3306) for version in run.versions[3:])
    assert run.reported(PortsPending) == [PortsPending(KEY, OLD, NEW)]
    assert run.store.service(KEY).pending == NEW


@pytest.mark.parametrize("how", HOWS)
def test_a_port_where_hosts_answer_is_taken_in_one_write(tmp_path: Path, publish: Publish, how: str) -> None:
    """Once each host had its turn there, the whole object changes; no version is without a ready address."""
    run = Run(tmp_path, service(publish, () if how == "service" else OLD))
    run.turn(only(3306))
    run = changed(run, tmp_path, publish, how)
    run.versions.clear()
    run.turn(only(3306, 3307))
    assert run.ready == both(3307)
    assert run.versions == [both(3307)]
    assert run.reported(PortsChanged) == [PortsChanged(KEY, OLD, NEW)]
    assert run.probed == both(3307)


def test_a_host_that_has_not_answered_at_the_new_port_is_not_ready(tmp_path: Path, publish: Publish) -> None:
    """Its verdict at the old port says nothing of the new one."""
    run = Run(tmp_path, service(publish, OLD))
    run.turn(only(3306))
    run.become(service(publish, NEW))
    run.turn(lambda address, port: Reason.OK if port == 3306 or address == A else Reason.REFUSED)
    assert run.ready == {(A, 3307)}


def test_a_database_that_has_moved_to_the_new_port_is_followed(tmp_path: Path, publish: Publish) -> None:
    """Where nobody serves at the old port any more, the first answer at the new one decides."""
    run = Run(tmp_path, service(publish, OLD))
    run.turn(only(3306))
    for _ in range(3):
        run.turn(only())
    run.become(service(publish, NEW))
    run.now += 10.0
    (target,) = (one for one in run.store.targets() if (one.address, one.port) == (A, 3307))
    run.store.take([report(target, started=run.now)])
    run.rounds()
    assert run.ready == {(A, 3307)}


def test_a_change_that_is_taken_back_leaves_no_trace(tmp_path: Path, publish: Publish) -> None:
    """The old port goes on as if nothing had been."""
    run = Run(tmp_path, service(publish, OLD))
    run.turn(only(3306))
    run.become(service(publish, NEW))
    run.turn(only(3306))
    run.become(service(publish, OLD))
    assert (run.ready, run.probed) == (both(3306), both(3306))


def test_hosts_with_a_probe_port_need_no_trial(tmp_path: Path, publish: Publish) -> None:
    """The port that stands for them is their own: what is published changes at once, with their verdicts."""
    hosts = (HostSpec("a", A, probe_port=33), HostSpec("b", B, probe_port=33))
    run = Run(tmp_path, service(publish, OLD, *hosts))
    run.turn(only(33))
    run.become(service(publish, NEW, *hosts))
    assert run.ready == both(3307)


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("ports", [(BUS, REDIS), (BUS, REDIS, Port("x", 7))], ids=["reordered", "one more"])
def test_the_probed_port_stays_when_the_service_lists_its_ports_otherwise(
    tmp_path: Path, publish: Publish, ports: tuple[Port, ...], *, restart: bool
) -> None:
    """A chart that sorts its ports is no outage, while the daemon runs or between two starts."""
    run = Run(tmp_path, service(publish), (REDIS, BUS))
    run.turn(only(6379))
    if restart:
        run = Run(tmp_path, service(publish), ports)
    else:
        run.cluster.ports = ports
        run.rounds()
    for _ in range(4):
        run.turn(only(6379))
    assert run.ready == {(address, port.port) for address in (A, B) for port in ports}
    assert run.probed == both(6379)


def test_a_probed_port_that_is_gone_is_reported(tmp_path: Path, publish: Publish) -> None:
    """With the one that is probed instead."""
    run = Run(tmp_path, service(publish), (REDIS, BUS))
    run.turn(only(6379))
    run.cluster.ports = (BUS,)
    run.rounds()
    assert run.reported(ProbedPortGone) == [ProbedPortGone(KEY, REDIS, BUS)]


def by_hand(folder: Path, port: int) -> None:
    path = folder / "default" / f"{KEY.name}.yaml"
    path.parent.mkdir(exist_ok=True)
    subset = {"addresses": [{"ip": A}, {"ip": B}], "ports": [{"name": "mysql", "port": port, "protocol": "TCP"}]}
    metadata = {"name": KEY.name, "namespace": "default"}
    path.write_text(
        yaml.safe_dump({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]})
    )


def test_the_port_of_an_object_made_by_hand_is_kept(tmp_path: Path, publish: Publish) -> None:
    """The Service's targetPort was only a hint for a selector's controller, and the object worked."""
    by_hand(tmp_path, 13306)
    run = Run(tmp_path, service(publish))
    run.turn(only(13306))
    assert (run.ready, run.probed) == (both(13306), both(13306))
    again = Run(tmp_path, service(publish))
    again.turn(only(13306))
    assert again.ready == both(13306)
    again.cluster.ports = NEW
    again.rounds()
    assert again.probed == both(13306) | both(3307)
    again.turn(only(13306, 3307))
    assert again.ready == both(3307)


def test_ports_in_the_file_are_tried_at_adoption_before_they_are_published(tmp_path: Path, publish: Publish) -> None:
    """A wrong number in the file takes no working object away."""
    by_hand(tmp_path, 13306)
    run = Run(tmp_path, service(publish, OLD))
    for _ in range(4):
        run.turn(only(13306))
    assert run.ready == both(13306)
    for _ in range(2):
        run.turn(only(13306, 3306))
    assert run.ready == both(3306)
