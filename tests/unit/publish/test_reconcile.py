"""Reading, deciding, writing: over the real folder; a fake cluster only for faults that a folder cannot show."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.values import KEY, report, spec
from lab.waiting import wait_until
from mooring.cluster.local import LocalCluster
from mooring.cluster.protocol import Cluster
from mooring.judge.members import members
from mooring.judge.ports import FoundPorts
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.errors import Conflict, Rejected, Unavailable
from mooring.model.events import AddressLeftOut, AddressRemoved, Event, NotPublished, Published, Repaired, WriteFailed
from mooring.model.objects import EndpointsWrite, PublishTarget, Refusal, StoredEndpoints
from mooring.model.reasons import Reason
from mooring.model.spec import Port, ServiceKey, ServiceSpec
from mooring.publish.reconcile import Reconciler

A, B, STRANGER = "10.20.0.11", "10.20.0.12", "10.20.0.99"
OTHER = ServiceKey("default", "other")


class Faulty(LocalCluster):
    """A real folder whose writes fail as told, as an API server's would and a folder's do not."""

    def __init__(self, folder: Path, faults: list[Exception]) -> None:
        super().__init__(folder)
        self.faults = faults
        self.calls: list[str] = []

    def read(self, key: ServiceKey) -> StoredEndpoints | None:
        self.calls.append(f"read {key.name}")
        return super().read(key)

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        self.calls.append(f"apply {change.key.name}")
        if self.faults and change.key == KEY:
            raise self.faults.pop(0)
        return super().apply(change, until)


class Desk:
    """A reconciler over a folder, with what it told."""

    def __init__(self, cluster: Cluster, specs: tuple[ServiceSpec, ...] = (spec(A, B),)) -> None:
        self.store = HealthStore()
        self.events: list[Event] = []
        self.now = 100.0
        for one in specs:
            self.store.set_members(one, members(one, {}, ()))
        clocks = Clocks(monotonic=lambda: self.now)
        self.reconciler = Reconciler(cluster, self.store, specs, self.events.append, clocks=clocks)

    def rounds(self) -> None:
        """One look at every Service."""
        self.reconciler.notice(self.reconciler.publications())
        self.reconciler.rounds()

    def hear(self, address: str, reason: Reason, times: int = 1) -> None:
        (target,) = (t for t in self.store.targets() if t.address == address)
        for _ in range(times):
            self.now += 10.0
            self.store.take([report(target, reason, started=self.now)])

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def desk(folder: Path) -> Desk:
    return Desk(LocalCluster(folder))


def lists(folder: Path, name: str = KEY.name) -> tuple[list[str], list[str]]:
    """Ready and not ready addresses of the manifest."""
    path = folder / "default" / f"{name}.yaml"
    (subset,) = yaml.safe_load(path.read_text())["subsets"] if path.exists() else ({},)
    return tuple([a["ip"] for a in subset.get(kind, ())] for kind in ("addresses", "notReadyAddresses"))  # type: ignore[return-value]


def by_hand(folder: Path, ready: list[str], *, labels: dict[str, str] | None = None) -> Path:
    path = folder / "default" / f"{KEY.name}.yaml"
    path.parent.mkdir(exist_ok=True)
    subset = {"addresses": [{"ip": ip} for ip in ready], "ports": [{"name": "mysql", "port": 3306, "protocol": "TCP"}]}
    metadata = {"name": KEY.name, "namespace": "default", "labels": labels or {}}
    path.write_text(
        yaml.safe_dump({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]})
    )
    return path


def test_a_missing_object_is_made_with_every_host_not_ready(desk: Desk, folder: Path) -> None:
    """Nobody gets traffic before it was judged."""
    desk.rounds()
    assert lists(folder) == ([], [A, B])


def test_a_verdict_moves_its_address_at_the_next_round(desk: Desk, folder: Path) -> None:
    """The first definite outcome of a new address decides, and the write names the time since then."""
    desk.rounds()
    desk.hear(B, Reason.OK)
    desk.now += 0.25
    desk.rounds()
    assert lists(folder) == ([B], [A])
    published = desk.told(Published)[-1]
    assert isinstance(published, Published)
    assert published.seconds == pytest.approx(0.24)


def test_no_change_no_write(desk: Desk, folder: Path) -> None:
    """An unchanged object is never written: its file stays the same file."""
    desk.rounds()
    before = (folder / "default" / f"{KEY.name}.yaml").stat()
    for _ in range(5):
        desk.hear(A, Reason.AUTH)
        desk.rounds()
    after = (folder / "default" / f"{KEY.name}.yaml").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(desk.told(Published)) == 1


def test_a_restart_moves_nothing(folder: Path) -> None:
    """What is stored is the verdict that a new daemon begins with; its thresholds apply from there."""
    by_hand(folder, [A, B], labels={"app.kubernetes.io/managed-by": "mooring"})
    Desk(LocalCluster(folder)).rounds()
    desk = Desk(LocalCluster(folder))
    desk.rounds()
    desk.hear(A, Reason.REFUSED, times=2)
    desk.rounds()
    assert lists(folder) == ([A, B], [])
    assert desk.told(Published) == []
    desk.hear(A, Reason.REFUSED)
    desk.rounds()
    assert lists(folder) == ([B], [A])


def test_a_restart_without_name_server_removes_nobody(folder: Path) -> None:
    """Until a name was resolved once, a stored address may be its: it stays where it is, and the others move."""
    by_hand(folder, [A, B, "10.20.0.13"], labels={"app.kubernetes.io/managed-by": "mooring"})
    named = spec(A, B, "db3.example.com")
    desk = Desk(LocalCluster(folder), (named,))
    desk.rounds()
    desk.hear(B, Reason.OK)
    desk.hear(A, Reason.REFUSED, times=3)
    desk.rounds()
    assert lists(folder) == ([B, "10.20.0.13"], [A])
    desk.store.set_members(named, members(named, {"db3.example.com": ("10.20.0.14",)}, ()))
    desk.rounds()
    assert lists(folder) == ([B], [A, "10.20.0.14"])


def test_a_repair_has_no_latency_of_a_verdict(desk: Desk, folder: Path) -> None:
    """Only a write that a verdict caused tells the seconds since that verdict."""
    desk.rounds()
    desk.hear(A, Reason.OK)
    desk.rounds()
    desk.now += 1000
    by_hand(folder, [B], labels={"app.kubernetes.io/managed-by": "mooring"})
    desk.rounds()
    seconds = [event.seconds for event in desk.told(Published) if isinstance(event, Published)]
    assert seconds == [None, pytest.approx(-0.01), None]


def test_somebodys_edit_is_repaired_and_told(desk: Desk, folder: Path) -> None:
    """Once adopted, the file is the truth: an address that it does not list leaves, with an event naming it."""
    desk.rounds()
    by_hand(folder, [A, STRANGER], labels={"app.kubernetes.io/managed-by": "mooring", "team": "dba"})
    desk.rounds()
    assert lists(folder) == ([], [A, B])
    assert desk.told(AddressRemoved) == [AddressRemoved(KEY, STRANGER)]
    assert desk.told(Repaired) == [Repaired(KEY)]


def test_an_edit_after_a_restart_is_told_as_well(desk: Desk, folder: Path) -> None:
    """What is stored as it should be counts as ours, though this daemon has written nothing yet."""
    desk.rounds()
    restarted = Desk(LocalCluster(folder))
    restarted.rounds()
    assert restarted.events == []
    by_hand(folder, [A], labels={"app.kubernetes.io/managed-by": "mooring"})
    restarted.rounds()
    assert lists(folder) == ([], [A, B])
    assert restarted.told(Repaired) == [Repaired(KEY)]


def test_a_change_of_verdict_is_no_repair(desk: Desk) -> None:
    """Nobody is blamed for what a host did."""
    desk.rounds()
    for reason in (Reason.OK, *[Reason.REFUSED] * 3, Reason.OK, Reason.OK):
        desk.hear(A, reason)
        desk.rounds()
    assert len(desk.told(Published)) == 4
    assert not desk.told(Repaired)


def test_an_object_made_by_hand_is_adopted_as_it_stands(folder: Path) -> None:
    """Listed addresses keep their place, and a dead one leaves by the ordinary thresholds."""
    by_hand(folder, [A, B])
    desk = Desk(LocalCluster(folder))
    desk.rounds()
    assert lists(folder) == ([A, B], [])
    desk.hear(A, Reason.OK)
    desk.hear(B, Reason.REFUSED, times=3)
    desk.rounds()
    assert lists(folder) == ([A], [B])


def test_an_object_with_an_unlisted_ready_address_is_refused_until_it_is_gone(folder: Path) -> None:
    """Traffic that the file does not know of is not cut: refused, told once, served when the cause is gone."""
    path = by_hand(folder, [A, STRANGER])
    desk = Desk(LocalCluster(folder))
    before = path.read_bytes()
    for _ in range(3):
        desk.rounds()
    assert path.read_bytes() == before
    (refused,) = desk.told(NotPublished)
    assert isinstance(refused, NotPublished)
    assert refused.refused
    assert STRANGER in refused.why
    assert "adopt: replace" in refused.why
    assert desk.reconciler.publications()[KEY].error == refused.why
    path.unlink()
    desk.rounds()
    assert desk.reconciler.publications()[KEY].error is None
    assert lists(folder)[1] == [B]


@pytest.mark.parametrize("fault", [Unavailable("no answer"), Rejected("forbidden")], ids=["unavailable", "rejected"])
def test_a_failed_write_is_tried_again_later_and_told_once(folder: Path, fault: Exception) -> None:
    """Backoff: not at once, not for ever apart, and the log has one line for the same trouble."""
    cluster = Faulty(folder, [fault] * 5)
    desk = Desk(cluster)
    desk.rounds()
    for _ in range(3):
        desk.rounds()
    assert cluster.calls.count("apply mysql-external") == 1
    for _ in range(20):
        desk.now += 5.0
        desk.rounds()
    assert len(desk.told(NotPublished)) == 1
    assert len(desk.told(WriteFailed)) == 5
    assert len(desk.told(Published)) == 1
    assert lists(folder) == ([], [A, B])
    publication = desk.reconciler.publications()[KEY]
    assert (publication.error, publication.failures) == (None, 0)


def test_an_outage_of_days_is_survived(folder: Path) -> None:
    """However often a write fails, the next try comes in seconds, and the daemon goes on."""
    cluster = Faulty(folder, [Unavailable("no answer")] * 1500)
    desk = Desk(cluster)
    for _ in range(1501):
        desk.rounds()
        desk.now += 6.0
    assert lists(folder) == ([], [A, B])


def test_a_conflict_is_decided_anew_at_once(folder: Path) -> None:
    """An object that changed between read and write is read again without waiting, and without an alarm."""
    cluster = Faulty(folder, [Conflict("changed")])
    desk = Desk(cluster)
    desk.rounds()
    assert lists(folder) == ([], [A, B])
    assert cluster.calls == ["read mysql-external", "apply mysql-external"] * 2
    assert desk.told(NotPublished) == []


def test_a_write_in_progress_counts_as_turning(folder: Path) -> None:
    """However long the look before it took, a writer that waits for a bounded write does not stand still."""

    class Tardy(LocalCluster):
        def read(self, key: ServiceKey) -> StoredEndpoints | None:
            desk.now += 20.0
            return super().read(key)

        def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
            turned.append(desk.now - desk.reconciler.turned_at)
            return super().apply(change, until)

    turned: list[float] = []
    desk = Desk(Tardy(folder))
    desk.rounds()
    assert turned == [0.0]


def test_a_hindered_service_stops_no_other(folder: Path) -> None:
    """One Service's trouble is its own."""
    cluster = Faulty(folder, [Rejected("forbidden")] * 100)
    desk = Desk(cluster, (spec(A, B), spec(A, key=OTHER)))
    for _ in range(3):
        desk.rounds()
    assert lists(folder, "other") == ([], [A])


def test_a_look_seeds_and_writes_nothing(folder: Path) -> None:
    """For commands that end: what is stored is known before the first probe."""
    path = by_hand(folder, [A])
    desk = Desk(LocalCluster(folder))
    before = path.read_bytes()
    desk.reconciler.look()
    assert [state.verdict.value for _, state in desk.store.service(KEY).hosts] == ["ready", "never-judged"]
    assert path.read_bytes() == before


def test_the_cluster_is_heeded_when_it_asks_for_time(folder: Path) -> None:
    """Retry-After is at least what passes before the next try."""
    cluster = Faulty(folder, [Unavailable("too many requests", retry_after=30.0)])
    desk = Desk(cluster)
    for _ in range(29):
        desk.rounds()
        desk.now += 1.0
    assert cluster.calls.count("apply mysql-external") == 1
    desk.now += 2.0
    desk.rounds()
    assert lists(folder) == ([], [A, B])


def test_changes_of_other_objects_in_the_namespace_are_none_of_ours(folder: Path) -> None:
    """A namespace holds many Endpoints; only those of the file are looked at."""
    cluster = Faulty(folder, [])
    desk = Desk(cluster)
    desk.reconciler.notice([OTHER, KEY])
    desk.reconciler.rounds()
    assert cluster.calls == ["read mysql-external", "apply mysql-external"]


class OfOneFamily(LocalCluster):
    """A folder that speaks for a Service with IPv4 only, whose ports the file does not name."""

    def serving(self, spec: ServiceSpec) -> PublishTarget | Refusal:
        return PublishTarget((Port("mysql", 3307),), ("IPv4",))


def test_an_address_of_a_family_that_the_service_lacks_is_left_out_and_told(folder: Path) -> None:
    """An IPv6 address in an IPv4 Service is reported once and not published."""
    desk = Desk(OfOneFamily(folder), (spec(A, "fd00::b"),))
    for _ in range(3):
        desk.rounds()
    assert lists(folder) == ([], [A])
    left_out = [event for event in desk.events if isinstance(event, AddressLeftOut)]
    assert [(event.address, event.why) for event in left_out] == [("fd00::b", "the Service has only IPv4")]


def test_the_ports_of_the_cluster_are_published_and_passed_on(folder: Path) -> None:
    """Where the file leaves the ports to the Service, these are what is published and probed."""
    desk = Desk(OfOneFamily(folder), (replace(spec(A), ports=()),))
    learnt: list[object] = []
    desk.reconciler._rounds._on_ports = lambda *ports: learnt.append(ports)
    desk.rounds()
    assert learnt == [(KEY, FoundPorts((Port("mysql", 3307),)))]


class Turning:
    """A reconciler in its own thread, on real clocks."""

    def __init__(self, cluster: Cluster) -> None:
        self.events: list[Event] = []
        self.store = HealthStore()
        one = spec(A, B)
        self.store.set_members(one, members(one, {}, ()))
        self.reconciler = Reconciler(cluster, self.store, [one], self.events.append, clocks=Clocks())


@pytest.fixture
def turning(folder: Path) -> Iterator[Callable[[Cluster], Turning]]:
    begun: list[Turning] = []

    def begin(cluster: Cluster) -> Turning:
        begun.append(Turning(cluster))
        begun[-1].reconciler.start()
        return begun[-1]

    yield begin
    for one in begun:
        one.reconciler.stop(60)


def test_the_thread_looks_at_once_and_repairs_within_a_second_or_two(
    turning: Callable[[Cluster], Turning], folder: Path
) -> None:
    """A daemon publishes as it starts, and puts somebody's edit right without being told of it."""
    one = turning(LocalCluster(folder))
    assert one.reconciler.seeded.wait(60)
    wait_until(lambda: lists(folder) == ([], [A, B]), 5, "the first write")
    by_hand(folder, [A, B], labels={"app.kubernetes.io/managed-by": "mooring"})
    wait_until(lambda: lists(folder) == ([], [A, B]), 10, "the repair")


class Slow(LocalCluster):
    """A folder whose writes take a while, as an API server's may."""

    begun = threading.Event()

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        self.begun.set()
        time.sleep(0.5)
        return super().apply(change, until)


def test_a_write_under_way_is_finished_when_told_to_end(turning: Callable[[Cluster], Turning], folder: Path) -> None:
    """Ending waits for the write, so that what was decided is stored, and begins no other."""
    one = turning(Slow(folder))
    assert Slow.begun.wait(60)
    one.reconciler.stop(60)
    assert lists(folder) == ([], [A, B])


def test_the_thread_goes_on_after_failures(turning: Callable[[Cluster], Turning], folder: Path) -> None:
    """Failed and conflicting writes are tried again by the thread itself."""
    cluster = Faulty(folder, [Unavailable("no answer"), Conflict("changed"), Unavailable("no answer")])
    turning(cluster)
    wait_until((folder / "default" / f"{KEY.name}.yaml").exists, 10, "the write")
    assert cluster.faults == []


class Leaving(Faulty):
    """A folder whose Service is gone once a write to it has failed."""

    def serving(self, spec: ServiceSpec) -> PublishTarget | Refusal:
        return super().serving(spec) if self.faults else Refusal("there is no such Service")


def test_a_refusal_after_a_failure_is_looked_at_now_and_then(
    turning: Callable[[Cluster], Turning], folder: Path
) -> None:
    """A Service that was deleted while it was being written costs no processor for as long as it is gone."""
    cluster = Leaving(folder, [Conflict("gone")])
    one = turning(cluster)
    wait_until(lambda: one.reconciler.publications()[KEY].error == "there is no such Service", 5, "the refusal")
    before = len(cluster.calls)
    time.sleep(0.5)
    assert len(cluster.calls) - before <= 2
