"""The composed daemon in this process: TCP ports on loopback, a folder of manifests."""

from __future__ import annotations

import json
import math
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from lab.listeners import closed_port, listening
from lab.waiting import wait_until
from mooring.cluster.local import LocalCluster
from mooring.config import AddressPolicy, parse
from mooring.daemon import Daemon
from mooring.leader.election import Claim, Lease
from mooring.model.clocks import Clocks
from mooring.model.events import ConfigRefused, ConfigReloaded, Event, HostChanged, Published
from mooring.model.objects import EndpointsWrite, PublishTarget, StoredEndpoints
from mooring.model.spec import Config, Port, ProbeTimings, ServiceKey, ServiceSpec
from mooring.model.targets import Target
from mooring.model.verdicts import Verdict
from mooring.probe.assignment import ASSIGN_SECONDS
from mooring.probe.engine import Engine

Begin = Callable[..., Daemon]


def config(*ports: int, period: float = 0.1, timeout: float = 0.1) -> Config:
    hosts = [
        {"name": f"db{n}", "address": f"10.20.0.{n}", "probeAddress": "127.0.0.1", "probePort": port}
        for n, port in enumerate(ports, 11)
    ]
    check = {"periodSeconds": period, "timeoutSeconds": timeout, "tcp": {}}
    service = {"name": "mysql-external", "ports": [{"port": 3306}], "hosts": hosts, "check": check}
    data = yaml.safe_dump({"version": 1, "services": [service]}).encode()
    return parse(data, "config.yaml", AddressPolicy((), loopback_probes=True), ports_required=True)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[Event]) -> Iterator[Begin]:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    begun: list[Daemon] = []

    def begin(config: Config, **options: Any) -> Daemon:
        options.setdefault("listeners", (events.append,))
        begun.append(Daemon(config, LocalCluster(tmp_path), **options))
        begun[-1].start()
        return begun[-1]

    yield begin
    for daemon in begun:
        daemon.stop()


def published(folder: Path) -> tuple[list[str], list[str]]:
    path = folder / "default" / "mysql-external.yaml"
    (subset,) = yaml.safe_load(path.read_text())["subsets"] if path.exists() else ({},)
    ready, not_ready = ([a["ip"] for a in subset.get(kind, ())] for kind in ("addresses", "notReadyAddresses"))
    return ready, not_ready


def stored(events: list[Event]) -> list[tuple[str, ...]]:
    """The same of the last write that was reported, which a listener hears of a moment after it."""
    changes = [event.change for event in list(events) if isinstance(event, Published)]
    last = [change for change in changes if isinstance(change, EndpointsWrite)][-1:]
    return [lists for change in last for subset in change.subsets for lists in (subset.ready, subset.not_ready)]


def test_a_host_dies_leaves_and_comes_back(begin: Begin, tmp_path: Path, events: list[Event]) -> None:
    """The main job: what answers is in `addresses`, what does not is in `notReadyAddresses`."""
    with listening() as first, listening() as dies:
        begin(config(first, dies))
        wait_until(lambda: published(tmp_path) == (["10.20.0.11", "10.20.0.12"], []), 10, "both hosts published")
        port = dies
    wait_until(lambda: published(tmp_path)[1] == ["10.20.0.11", "10.20.0.12"], 10, "both hosts gone")
    assert port

    def out() -> list[HostChanged]:
        changed = [event for event in list(events) if isinstance(event, HostChanged)]
        return [event for event in changed if event.state.verdict is Verdict.NOT_READY]

    wait_until(lambda: len(out()) >= 2, 10, "the events, which follow the write")
    assert [event.streak for event in out()] == [3, 3]
    assert all(event.seconds is not None for event in events if isinstance(event, Published) and event.change.before)


def test_a_restart_finds_the_verdicts_that_it_left(begin: Begin, tmp_path: Path, events: list[Event]) -> None:
    """Stopped and started over the same folder, with a host down: nothing is written."""
    down = closed_port()
    with listening() as up:
        begin(config(up, down))
        wait_until(lambda: published(tmp_path) == (["10.20.0.11"], ["10.20.0.12"]), 10, "the first verdicts")
        wait_until(lambda: stored(events) == [("10.20.0.11",), ("10.20.0.12",)], 10, "the report of the write")
        begin(config(up, down)).stop()
        written = [event for event in events if isinstance(event, Published)]
        again = begin(config(up, down))
        wait_until(lambda: again.status()["services"][0]["hosts"][1]["lastProbeAt"], 10, "a probe")
        assert [event for event in events if isinstance(event, Published)] == written


def test_the_pages_tell_of_the_daemon(begin: Begin) -> None:
    """/livez while its parts turn, /readyz once all were probed, /status with the contract's document."""
    with listening() as up:
        daemon = begin(config(up, closed_port(), period=5.0, timeout=5.0), listen=("127.0.0.1", 0))
        assert daemon._server is not None
        root = f"http://127.0.0.1:{daemon._server.port}"
        wait_until(lambda: daemon._ready() is None, 10, "every host probed")
        for page in ("/livez", "/readyz"):
            with urllib.request.urlopen(root + page, timeout=5) as answer:
                assert answer.status == 200
        wait_until(lambda: daemon.status()["services"][0]["ready"] == 1, 10, "the first host published")
        with urllib.request.urlopen(root + "/status", timeout=5) as answer:
            found = json.load(answer)
    assert (found["leader"], found["config"]["error"], found["overruns"]) == (True, None, 0)
    (service,) = found["services"]
    assert (service["total"], service["error"]) == (2, None)
    up_row, down_row = service["hosts"]
    assert (up_row["verdict"], up_row["published"], up_row["reason"], up_row["threshold"]) == (
        "ready",
        "ready",
        "ok",
        3,
    )
    assert (down_row["verdict"], down_row["published"], down_row["reason"]) == ("not-ready", "not-ready", "refused")


def test_it_is_not_ready_before_every_host_was_probed(tmp_path: Path) -> None:
    """A rolling update waits for verdicts, not for a process."""
    daemon = Daemon(config(1), LocalCluster(tmp_path))
    daemon._inventory.refresh()
    assert daemon._ready() == "not every host has been probed yet"


def test_once_ready_it_stays_so_while_new_hosts_are_probed(begin: Begin) -> None:
    """A changed file does not take the daemon's pod out of a rolling update."""
    with listening() as up:
        daemon = begin(config(up))
        wait_until(lambda: daemon._ready() is None, 10, "every host probed")
        daemon.take_up(config(up, closed_port(), period=60.0))
        assert daemon._ready() is None


def test_another_file_is_in_force_when_it_was_taken_up(begin: Begin, tmp_path: Path, events: list[Event]) -> None:
    """Its hosts are on the status page at once, what was known of the others stays, and it is told."""
    with listening() as one, listening() as other:
        daemon = begin(config(one))
        wait_until(lambda: published(tmp_path) == (["10.20.0.11"], []), 10, "the first host")
        before = daemon.status()
        new = config(one, other)
        daemon.refuse(("config.yaml:1:1: is wrong",))
        assert daemon.status()["config"] == {**before["config"], "error": "config.yaml:1:1: is wrong"}
        daemon.take_up(new)
        found = daemon.status()
        assert (found["config"]["hash"], found["config"]["error"]) == (new.hash, None)
        known, added = found["services"][0]["hosts"]
        assert (known["since"], added["name"]) == (before["services"][0]["hosts"][0]["since"], "db12")
        wait_until(lambda: published(tmp_path) == (["10.20.0.11", "10.20.0.12"], []), 10, "the second host")
    told = [event for event in events if isinstance(event, (ConfigRefused, ConfigReloaded))]
    assert [type(event) for event in told] == [ConfigRefused, ConfigReloaded]
    assert isinstance(told[1], ConfigReloaded)
    assert told[1].hash == new.hash


def test_it_is_not_ready_before_the_cluster_has_told_what_to_probe(begin: Begin, tmp_path: Path) -> None:
    """Where the file leaves the ports to the Service, no host is probed until the cluster has told them."""
    (listed,) = config(1).services
    hosts = tuple(replace(host, probe_port=None) for host in listed.hosts)
    without = Config((replace(listed, ports=(), hosts=hosts),), "")
    daemon = Daemon(without, LocalCluster(tmp_path))
    daemon._inventory.refresh()
    assert daemon._ready() == "not every host has been probed yet"
    told = begin(without)
    wait_until(lambda: told._ready() is None, 5, "the cluster's word that there are none")


NOW = 1000.0
"""Of a clock that stands, so that the test may take as long as it does."""


def scheduler_stands(daemon: Daemon, seconds: float) -> None:
    daemon._schedule.turned_at = NOW - seconds


def writer_stands(daemon: Daemon, seconds: float) -> None:
    daemon._reconciler._workers._turns = {config(1).services[0].key: NOW - seconds}


@pytest.mark.parametrize(("stands", "name"), [(scheduler_stands, "scheduler"), (writer_stands, "writer")])
def test_a_part_that_stands_still_is_told(tmp_path: Path, stands: Callable[[Daemon, float], None], name: str) -> None:
    """/livez fails when a part has not turned for 30 s or three periods; a slow database never makes it fail."""
    clocks = Clocks(monotonic=lambda: NOW)
    daemon = Daemon(config(1), LocalCluster(tmp_path), clocks=clocks)
    assert daemon.alive() is None
    stands(daemon, 25)
    assert daemon.alive() is None
    assert daemon.alive(within=20) == f"the {name} stands still"
    stands(daemon, 31)
    assert daemon.alive() == f"the {name} stands still"
    slow = Daemon(config(1, period=60.0), LocalCluster(tmp_path), clocks=clocks)
    stands(slow, 170)
    assert slow.alive() is None


def test_a_defect_in_a_thread_ends_the_daemon(begin: Begin, capsys: pytest.CaptureFixture[str]) -> None:
    """A daemon with a dead thread would watch nothing: it ends, loudly, to be started anew."""

    def defect(event: Event) -> None:
        assert not isinstance(event, HostChanged), "a defect in a listener"

    with listening() as gone:
        refused = config(gone)  # no connection stands when the thread dies, which would close it no more
    daemon = begin(refused, listeners=(defect,))
    assert daemon.ended.wait(60)
    assert daemon.defect
    assert "a defect in a listener" in "".join(capsys.readouterr())


def test_names_in_the_file_are_looked_up_while_it_runs(begin: Begin) -> None:
    """A host given by a name that has no address yet is shown as unknown: dns."""
    one = config(1)
    data = one.services[0]
    host = data.hosts[0].__class__("db3", "db3.invalid")
    daemon = begin(Config((data.__class__(data.key, (host,), data.check, data.ports),), one.hash))
    (row,) = daemon.status()["services"][0]["hosts"]
    assert (row["name"], row["address"], row["verdict"], row["reason"], row["published"]) == (
        "db3",
        "db3.invalid",
        "never-judged",
        "dns",
        "none",
    )


class Served(LocalCluster):
    """A folder that gives each Service its port, as a cluster does."""

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget((Port("mysql", 3306),))


def test_ports_of_many_services_are_assigned_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start over Services whose ports the cluster gives assigns the targets a few times, not once a Service."""
    (one,) = config(1).services
    hosts = tuple(replace(host, probe_port=None) for host in one.hosts)
    keys = [ServiceKey("default", f"db-{number}") for number in range(200)]
    many = Config(tuple(replace(one, key=key, ports=(), hosts=hosts) for key in keys), "")
    assigned: list[int] = []
    real = Engine.assign

    def assign(engine: Engine, timings: Mapping[Target, ProbeTimings]) -> None:
        assigned.append(len(timings))
        real(engine, timings)

    monkeypatch.setattr(Engine, "assign", assign)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    daemon, began = Daemon(many, Served(tmp_path), listeners=()), time.monotonic()
    daemon.start()
    try:
        wait_until(lambda: assigned and assigned[-1] == 1 and daemon._reconciler.knows_targets(), 30, "the ports")
        assert len(assigned) <= 5 + (time.monotonic() - began) / ASSIGN_SECONDS
    finally:
        daemon.stop()


class Hung(LocalCluster):
    """A folder whose writes take as long as a test lets them, as those to an API server that hangs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.writing, self.let_go = threading.Event(), threading.Event()

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        self.writing.set()
        self.let_go.wait(300)
        return super().apply(change, until)


class HungLeases:
    """A Lease that was taken, and that nobody can give back: its store hangs."""

    def __init__(self, let_go: threading.Event) -> None:
        self._let_go, self._held = let_go, cast("Lease | None", None)

    def start(self, wake: Callable[[], None]) -> None: ...
    def stop(self) -> None: ...
    def wait(self, seconds: float) -> bool:
        return True

    def date(self) -> float | None:
        return None

    def read(self) -> Lease | None:
        return self._held

    def put(self, claimed: Claim, until: float) -> Lease:
        if self._held:
            self._let_go.wait(300)
        self._held = replace(claimed.wanted, version="1")
        return self._held


@pytest.mark.parametrize("writes_hang", [True, False])
def test_it_ends_in_time_while_the_cluster_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, writes_hang: bool
) -> None:
    """SIGTERM waits neither for a write nor for the Lease longer than two seconds in all."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    cluster = Hung(tmp_path)
    if not writes_hang:
        cluster.let_go.set()
    let_go = threading.Event()
    daemon = Daemon(config(1), cluster, listeners=(), lease=HungLeases(let_go))
    daemon.start()
    assert cluster.writing.wait(60)
    begun = time.monotonic()
    daemon.stop()
    took = time.monotonic() - begun
    let_go.set()
    cluster.let_go.set()
    assert took < 30.0  # what hangs takes five minutes
