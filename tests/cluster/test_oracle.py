"""Random faults at twenty real hosts and at the API server of a whole cluster, under a watching oracle."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kube.daemon import ClusterDaemon
from kube.full_cluster import Cluster
from kube.versions import SLICES, Versions
from lab.history import Version
from lab.network import Host, Network
from lab.waiting import wait_until
from support.oracle import Oracle, Outage
from support.oracle_feed import Recorded, Watch
from support.random_faults import Step, walk
from support.slices_as_endpoints import Said, apart
from support.twenty_hosts import ALLOWED, COUNT, PERIOD, TIMEOUT, Field

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

SEED = int(os.environ.get("MOORING_WALK_SEED", random.randrange(1 << 32)))
SECONDS = 45.0
MARGIN_SECONDS = 8.0
"""For a publication after an outage, and for ARP to find a host again whose link was down."""
API_SERVER = "the API server"
OUTAGES = ((6.0, 3.0, "freeze"), (18.0, 2.0, "kill"), (33.0, 3.0, "freeze"))
"""When, for how long, how."""
SHORT_SECONDS = 24.0
"""Of a walk with own slices, which has the first two outages."""
_FIRSTS = itertools.cycle(range(100, 200, COUNT))
"""Of the numbers of our hosts: those of the test before may not be gone yet, and other tests have lower ones."""
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Request
  verbs: [patch, create, update, delete]
  resources: [{group: "", resources: [endpoints]}, {group: discovery.k8s.io, resources: [endpointslices]}]
- {level: None}
"""


class ClusterField(Field):
    """The field on the network of a cluster, whose API server has faults, too."""

    def __init__(self, directory: Path, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.watch: Watch | None = None
        self.publish = "endpoints"
        self.outages: Sequence[tuple[float, float, str]] = OUTAGES
        self.audit = directory / "audit.log"
        policy = directory / "policy.yaml"
        policy.write_text(POLICY)
        self._options = (f"--audit-policy-file={policy}", f"--audit-log-path={self.audit}")
        self._returning: threading.Thread | None = None
        super().__init__(directory)

    def _network(self) -> Network:
        return self.cluster.network

    def _hosts(self, undo: contextlib.ExitStack) -> list[Host]:
        first = next(_FIRSTS)
        hosts = [self.cluster.host(first + number) for number in range(COUNT)]
        for host in hosts:
            undo.callback(self._remove, host)
        return hosts

    def _remove(self, host: Host) -> None:
        self.network.hosts.remove(host)
        host.remove()

    def prepare(self) -> None:
        """Makes the Services, and has every write recorded from here on."""
        self.cluster.server.restart(*self._options)
        for rules in self.rules():
            name = rules.service.partition("/")[2]
            port = next(iter(rules.listed.values()))[1]
            spec = {"ports": [{"name": name, "port": port}]}
            path = f"/api/v1/namespaces/{self.namespace}/services"
            self.cluster.rest.create(path, {"metadata": {"name": name}, "spec": spec})

    def config(self) -> str:
        file = json.loads(super().config())
        services = [{**service, "publish": self.publish} for service in file["services"]]
        return json.dumps({**file, "services": services})

    def act(self, step: Step) -> None:
        if step.host != API_SERVER:
            super().act(step)
        elif not step.over:
            self._gone_at = time.monotonic()
            (self.cluster.server.freeze if step.fault == "freeze" else self.cluster.server.kill)()
        else:
            self._returning = threading.Thread(target=self._return, args=(step.fault, time.monotonic()), daemon=True)
            self._returning.start()

    def _return(self, fault: str, silent: float) -> None:
        """The walk goes on meanwhile. Judged is what happened before, so the outage is noted at once, too."""
        if fault == "freeze":
            self.cluster.server.thaw()
        else:
            self.cluster.server.start(*self._options)
        if self.watch is not None:  # a server that starts takes requests before it serves, as a frozen one does
            self.watch.outages.append(Outage(self._gone_at, silent, time.monotonic(), held=True))

    def settle(self) -> None:
        if self._returning is not None:
            self._returning.join()
        self.heal()

    def writes(self) -> list[dict[str, object]]:
        """The requests of ours that changed an object or tried to: verb, code, version that was given."""
        whole = [line for line in self.audit.read_text().splitlines(keepends=True) if line.endswith("\n")]
        lines = [json.loads(line) for line in whole]
        return [
            {
                "verb": line["verb"],
                "code": line["responseStatus"]["code"],
                "version": line.get("requestObject", {}).get("metadata", {}).get("resourceVersion"),
            }
            for line in lines
            if line["objectRef"].get("namespace") == self.namespace and line["userAgent"].startswith("mooring")
        ]


@pytest.fixture
def field(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[ClusterField]:
    with ClusterField(tmp_path, cluster, namespace) as field:
        field.prepare()
        yield field
        cluster.heal()


def steps_of(field: ClusterField, seconds: float) -> list[Step]:
    own = [
        step
        for at, extend, fault in field.outages
        for step in (Step(at, API_SERVER, fault), Step(at + extend, API_SERVER, fault, over=True))
    ]
    return sorted([*walk(SEED, field.faults, seconds), *own])


def all_ready(daemon: ClusterDaemon) -> bool:
    """Whether every host of every Service is stored as ready, as the daemon has it."""
    with contextlib.suppress(OSError):
        return all(service["ready"] == service["total"] for service in daemon.status()["services"])
    return False


def walked(field: ClusterField, cluster: Cluster, seconds: float, history: Recorded, written: str) -> Oracle:
    """The oracle over a walk that has ended with all hosts ready; so has the daemon."""
    print(f"MOORING_WALK_SEED={SEED}")  # noqa: T201 -- shown when the test fails, to walk the same way again
    args = ("--no-leader-elect", "--allowed-cidrs", ALLOWED, "--log-level", "debug")
    with ClusterDaemon(field.config(), cluster, args=args) as daemon, Watch(field, daemon, history) as watch:
        field.watch = watch
        daemon.wait_log(written)
        for _ in watch.follow(steps_of(field, seconds)):
            assert daemon.running, daemon.output[-20:]
        field.settle()
        slowest = max(rules.success for rules in field.rules()) * PERIOD + PERIOD + TIMEOUT + MARGIN_SECONDS
        wait_until(lambda: all_ready(daemon), slowest, "all hosts to be ready", every=0.1)
        time.sleep(1.0)
        oracle = watch.oracle(0.5)
        begun = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begun < 40, "open watches hindered the end"
    assert len(watch.outages) == len(field.outages)
    return oracle


def test_no_law_is_broken_in_a_random_walk(field: ClusterField, cluster: Cluster) -> None:
    """Whatever dies, hangs or is cut off, the API server too: what is stored is what each host proved, once."""
    with Versions(cluster, field.namespace) as history:
        oracle = walked(field, cluster, SECONDS, history, "endpoints.written")
    assert history.missed == 0
    assert oracle.violations() == []
    assert len(history.all()) > SECONDS / 3, "the walk moved next to nothing"
    judge_writes(field, len(history.all()))


@pytest.mark.parametrize("publish", ["endpointSlices", "both"])
def test_slices_obey_the_same_laws(field: ClusterField, cluster: Cluster, publish: str) -> None:
    """Own slices too say what each host proved, and an Endpoints beside them says the same but for one write."""
    field.publish, field.outages = publish, OUTAGES[:2]
    with Versions(cluster, field.namespace) as endpoints, Versions(cluster, field.namespace, SLICES) as slices:
        said = Said(slices)
        oracle = walked(field, cluster, SHORT_SECONDS, said, "slice.written")
    assert endpoints.missed == slices.missed == 0
    assert oracle.violations() == []
    assert len(said.all()) > SHORT_SECONDS / 3, "the walk moved next to nothing"
    assert bool(endpoints.all()) is (publish == "both")
    if publish == "both":
        assert replace(oracle, versions=endpoints.all()).violations() == []
        assert list(apart(endpoints.all(), said.all())) == []
        assert last(endpoints.all()) == last(said.all())
    judge_writes(field, len(endpoints.all()) + len(said.all()))


def last(versions: Sequence[Version]) -> dict[str, tuple[set[str], set[str]]]:
    """What is said of each Service in the end."""
    return {version.service: ({*version.ready}, {*version.not_ready}) for version in versions}


def judge_writes(field: ClusterField, versions: int) -> None:
    """I6 and I7 by the API server's own record: each write had a precondition, and each that was taken changed it."""
    writes = field.writes()
    assert {write["verb"] for write in writes} == {"patch"}
    assert all(write["version"] for write in writes)
    taken = [write for write in writes if write["code"] in {200, 201}]
    kills = len(field.outages)  # a write that a kill cut off has no record
    assert versions - kills <= len(taken) <= versions
