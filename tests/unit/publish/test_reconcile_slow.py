"""Services whose writes hang, beside others: a fake cluster, for no folder can be made to hang."""

from __future__ import annotations

import math
import threading
import time
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
from mooring.model.errors import Unavailable
from mooring.model.events import Event, KeptLast, Published
from mooring.model.objects import EndpointsWrite, StoredEndpoints
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey, ServiceSpec, WhenAllFail
from mooring.publish.reconcile import Reconciler

A, B = "10.20.0.11", "10.20.0.12"
HANG_SECONDS = 1.5


class Hanging(LocalCluster):
    """A folder in whose namespace "broken" each write takes its time and fails, once it is armed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.armed = threading.Event()
        self.hanging = 0
        self.seconds = HANG_SECONDS
        self.let_go = threading.Event()

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        if change.key.namespace == "broken" and self.armed.is_set():
            self.hanging += 1
            self.let_go.wait(self.seconds)
            raise Unavailable("the API server does not answer within its deadline")
        return super().apply(change, until)


def broken(number: int) -> ServiceSpec:
    return spec(f"10.21.{number}.1", f"10.21.{number}.2", key=ServiceKey("broken", f"s{number}"))


class Crowd:
    """Many Services whose writes hang, and one whose writes do not."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.events, self.probed_at = folder, list[Event](), 100.0
        self.cluster, self.store = Hanging(folder), HealthStore()
        self.specs = [*(broken(number) for number in range(count)), spec(A, B)]
        for one in self.specs:
            place(self.store, one)
        self.reconciler = Reconciler(self.cluster, self.store, self.specs, self.events.append, clocks=Clocks())

    def hear(self, keys: list[ServiceKey], reason: Reason, host: int = 0) -> None:
        """Three probes of a host of each of these Services."""
        for _ in range(3):
            self.probed_at += 10.0
            for key in keys:
                target = self.store.service(key).hosts[host][0].target
                self.reconciler.wake(self.store.take([report(target, reason, started=self.probed_at)]).changed)

    def ready(self) -> list[str]:
        path = self.folder / "default" / f"{KEY.name}.yaml"
        (subset,) = yaml.safe_load(path.read_text())["subsets"] if path.exists() else ({},)
        return [one["ip"] for one in subset.get("addresses", ())]


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Callable[[int], Crowd]]:
    made: list[Crowd] = []

    def make(count: int) -> Crowd:
        made.append(Crowd(tmp_path, count))
        one = made[-1]
        one.reconciler.start()
        assert one.reconciler.seeded.wait(30)
        keys = [one.key for one in one.specs]
        for host in range(2):
            one.hear(keys, Reason.OK, host)
        wait_until(lambda: one.ready() == [A, B], 60, "all to be ready")
        one.cluster.armed.set()
        return one

    yield make
    for one in made:
        one.cluster.let_go.set()
        one.reconciler.stop(10)


def test_services_whose_writes_hang_hold_up_no_other(crowd: Callable[[int], Crowd]) -> None:
    """A hundred Services of a namespace hang for the first time: a host of another one leaves in a moment."""
    one = crowd(100)
    one.hear([each.key for each in one.specs if each.key.namespace == "broken"], Reason.REFUSED)
    wait_until(lambda: one.cluster.hanging, 30, "a write that hangs")
    begun = time.monotonic()
    one.hear([KEY], Reason.REFUSED)
    wait_until(lambda: one.ready() == [B], 30, "the other Service's write")
    assert time.monotonic() - begun < 20 * HANG_SECONDS  # one after the other they take 150 s


def test_a_reload_waits_for_no_hanging_write(crowd: Callable[[int], Crowd]) -> None:
    """With every place taken by writes that hang, a changed file is in force at once, and published."""
    one = crowd(40)
    one.cluster.seconds = 300.0
    one.hear([each.key for each in one.specs if each.key.namespace == "broken"], Reason.REFUSED)
    wait_until(lambda: one.cluster.hanging, 30, "a write that hangs")
    left = [spec(B)]
    begun = time.monotonic()
    one.reconciler.replace(left, lambda: place(one.store, left[0]))
    assert time.monotonic() - begun < 100.0
    one.cluster.let_go.set()
    assert list(one.reconciler.publications()) == [KEY]
    wait_until(lambda: one.ready() == [B], 30, "the new file")


def test_a_service_that_left_is_not_written_again(crowd: Callable[[int], Crowd]) -> None:
    """Its write that hangs may end; what ends says nothing of a Service that came back meanwhile."""
    one = crowd(1)
    one.hear([broken(0).key], Reason.REFUSED)
    wait_until(lambda: one.cluster.hanging, 30, "a write that hangs")
    one.reconciler.replace([spec(A, B)], lambda: None)
    again = broken(0)

    def place_again() -> None:
        place(one.store, again)

    one.reconciler.replace([spec(A, B), again], place_again)
    assert one.reconciler.publications()[again.key].error is None
    one.cluster.armed.clear()
    path = one.folder / "broken" / "s0.yaml"
    wait_until(lambda: one.reconciler.publications()[again.key].desired is not None, 30, "a round of the one that came")
    assert path.exists()


class Refusing(LocalCluster):
    """A folder whose writes are answered as by a server that asks for time."""

    refuses = False

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        if self.refuses:
            raise Unavailable("too many requests", retry_after=3600.0)
        return super().apply(change, until)


class Desk:
    def __init__(self, folder: Path, one: ServiceSpec) -> None:
        self.store, self.events, self.now = HealthStore(), list[Event](), 100.0
        self.cluster = Refusing(folder)
        place(self.store, one)
        clocks = Clocks(monotonic=lambda: self.now)
        self.reconciler = Reconciler(self.cluster, self.store, [one], self.events.append, clocks=clocks)
        self.reconciler.rounds()
        for host in range(2):
            self.hear(host, Reason.OK)

    def hear(self, host: int, reason: Reason) -> None:
        target = self.store.service(KEY).hosts[host][0].target
        for _ in range(3):
            self.now += 10.0
            self.store.take([report(target, reason, started=self.now)])
        self.reconciler.wake([KEY])
        self.reconciler.rounds()

    def tries_until(self, at: float) -> int:
        """Goes on in steps of half a second; how many writes failed meanwhile."""
        before = self.reconciler.publications()[KEY].failures
        while self.now < at:
            self.now += 0.5
            self.reconciler.rounds()
        return self.reconciler.publications()[KEY].failures - before


def test_a_server_that_asks_for_an_hour_gets_seconds_where_a_host_must_leave(tmp_path: Path) -> None:
    """A dead host is tried to be taken out every few seconds, whatever Retry-After says."""
    desk = Desk(tmp_path, spec(A, B))
    desk.cluster.refuses = True
    desk.hear(0, Reason.REFUSED)
    assert desk.tries_until(desk.now + 60.0) >= 10


def test_a_server_that_asks_for_time_gets_a_minute_otherwise(tmp_path: Path) -> None:
    """A host that only comes back waits as long as the server asks, a minute at most."""
    desk = Desk(tmp_path, spec(A, B))
    desk.hear(0, Reason.REFUSED)
    desk.cluster.refuses = True
    desk.hear(0, Reason.OK)
    assert desk.tries_until(desk.now + 59.0) == 0
    assert desk.tries_until(desk.now + 3.0) == 1


def test_a_write_that_fails_again_and_again_reports_once_what_it_keeps(tmp_path: Path) -> None:
    """What was decided is known although it could not be stored."""
    desk = Desk(tmp_path, replace(spec(A, B), when_all_fail=WhenAllFail.KEEP_LAST))
    desk.hear(0, Reason.REFUSED)
    (tmp_path / "default" / f"{KEY.name}.yaml").unlink()
    desk.cluster.refuses = True
    desk.events.clear()
    desk.hear(1, Reason.REFUSED)
    desk.tries_until(desk.now + 200.0)
    assert len([event for event in desk.events if isinstance(event, KeptLast)]) <= 1
    assert [event for event in desk.events if isinstance(event, Published)] == []


def test_a_write_that_waits_for_a_successor_ends_with_the_daemon(tmp_path: Path) -> None:
    """It is an entry of the queue: once the daemon is told to stop, nothing is written by it."""
    store, cluster = HealthStore(), LocalCluster(tmp_path)
    place(store, spec(A, B))
    reconciler = Reconciler(cluster, store, [spec(A, B)], lambda _event: None, clocks=Clocks())
    reconciler.start()
    path = tmp_path / "default" / f"{KEY.name}.yaml"
    wait_until(path.exists, 10, "the first write")
    reconciler.wake_later(KEY, 0.3)
    assert reconciler.stop(5)
    path.unlink()
    time.sleep(0.6)
    assert not path.exists()


class Beside(LocalCluster):
    """A folder to which something happens while a write is under way."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.meanwhile: list[Callable[[], None]] = []

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        if self.meanwhile:
            self.meanwhile.pop()()
        return super().apply(change, until)


def test_each_of_two_quick_verdicts_has_its_own_time(tmp_path: Path) -> None:
    """One that comes during the write of the other is counted with its own write, two in one write are both counted."""
    hosts = [f"10.20.0.{number}" for number in range(11, 15)]
    store, events, cluster, now = HealthStore(), list[Event](), Beside(tmp_path), [1000.0]
    place(store, spec(*hosts))
    clocks = Clocks(monotonic=lambda: now[0])
    reconciler = Reconciler(cluster, store, [spec(*hosts)], events.append, clocks=clocks)
    reconciler.rounds()

    def judge(host: int, reason: Reason, times: int) -> None:
        target = store.service(KEY).hosts[host][0].target
        for _ in range(times):
            now[0] += 10.0
            reconciler.wake(store.take([report(target, reason, started=now[0] - 0.01)]).changed)

    for host in range(4):
        judge(host, Reason.OK, 1)
    reconciler.rounds()
    events.clear()
    judge(0, Reason.REFUSED, 3)
    now[0] += 2.0
    cluster.meanwhile.append(lambda: judge(1, Reason.REFUSED, 3))
    reconciler.rounds()
    judge(2, Reason.REFUSED, 3)
    judge(3, Reason.REFUSED, 3)
    now[0] += 1.0
    reconciler.rounds()
    taken = [one.latencies for one in events if isinstance(one, Published)]
    assert taken == [pytest.approx((32.0,)), pytest.approx((0.0,)), pytest.approx((31.0, 1.0))]
