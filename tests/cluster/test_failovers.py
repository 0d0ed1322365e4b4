"""A hundred forced changes of the leader, on a real API server: candidates of this process, a stub that writes.

The writer is a stub, which writes as fast as it may: a daemon writes only where something changed. Each Endpoints that
it stores bears the writer's name, and etcd's revisions tell who held the Lease then.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kube.api import Api as Server
from kube.lease_history import Tenures
from kube.versions import LEASES, Versions
from lab.waiting import wait_until
from mooring.cluster.client import Api, client_factory
from mooring.cluster.lease import KubeLeaseStore
from mooring.leader.election import LeaseTimings
from mooring.leader.elector import LeaderElector
from mooring.model.clocks import Clocks
from mooring.model.errors import ClusterError

pytestmark = pytest.mark.needs_api

TIMINGS = LeaseTimings(lease=5.0, renew=1.4, retry=0.25)
"""For so long as lies between the first two a write may be under way in an API server that stands still."""
GROUPS = 10
TURNS = 10


class Candidate:
    """A candidate with its writer. ``freeze`` stops both where they are, as SIGSTOP would."""

    def __init__(self, api: Api, namespace: str, group: str, name: str) -> None:
        self.name = name
        self.stored = 0
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/endpoints/{group}"
        self._goes = threading.Event()
        self._goes.set()
        self._ending = threading.Event()
        store = KubeLeaseStore(api, namespace, group)
        clocks = Clocks(monotonic=self._monotonic)
        self.lead = LeaderElector(store, name, lambda _event: None, lambda: None, clocks=clocks, timings=TIMINGS)
        self._writer = threading.Thread(target=self._write, name="stub writer", daemon=True)
        self.lead.start()
        self._writer.start()

    def _monotonic(self) -> float:
        self._goes.wait()
        return time.monotonic()

    @property
    def leads(self) -> bool:
        return self.lead.may_write(time.monotonic())

    def _write(self) -> None:
        for count in itertools.count():
            if self._ending.wait(0.02):
                return
            if not self.lead.may_write(self._monotonic()):
                continue
            body = {"metadata": {"annotations": {"writer": self.name, "count": str(count)}}}
            with contextlib.suppress(ClusterError):
                until = self.lead.until
                self._goes.wait()
                self._api.merge(self._path, body, until=until)
                self.stored += 1

    def freeze(self) -> None:
        self._goes.clear()

    def thaw(self) -> None:
        self._goes.set()

    def end(self, *, give_back: bool) -> None:
        self._ending.set()
        self._writer.join()
        self.lead.stop(5, give_back=give_back)


class Group:
    """One Lease, and whoever wants it; each failover is another's turn to be hurt."""

    def __init__(self, server: Server, namespace: str, name: str) -> None:
        self._server, self._namespace, self._name = server, namespace, name
        self._names = itertools.count()
        self.key = f"{namespace}/{name}"
        server.rest.create(f"/api/v1/namespaces/{namespace}/endpoints", {"metadata": {"name": name}})
        self.hurt: list[str] = []
        """Whoever led, had written, and lost the Lease."""
        self._here = [self._join()]
        self._leader()
        self._here.append(self._join())

    def _join(self) -> Candidate:
        api = Api(client_factory("kubeconfig", self._server.kubeconfig, None))
        return Candidate(api, self._namespace, self._name, f"{self._name}-{next(self._names)}")

    def _leader(self) -> Candidate:
        """The one that leads and has written since; a machine that stands still may make another one lead meanwhile."""
        before = {one.name: one.stored for one in self._here}

        def found() -> Candidate | None:
            return next((one for one in self._here if one.leads and one.stored > before[one.name]), None)

        leader = wait_until(found, 20, "a leader that writes")
        assert leader is not None
        return leader

    def _successor(self, of: Candidate) -> None:
        wait_until(lambda: any(one.leads for one in self._here if one is not of), 20, "a successor")

    def give_back(self) -> None:
        self._end(give_back=True)

    def crash(self) -> None:
        self._end(give_back=False)

    def _end(self, *, give_back: bool) -> None:
        leader = self._leader()
        self.hurt.append(leader.name)
        leader.end(give_back=give_back)
        self._successor(leader)
        self._here.remove(leader)
        self._here.append(self._join())

    def sleep(self) -> None:
        leader = self._leader()
        self.hurt.append(leader.name)
        leader.freeze()
        self._successor(leader)
        leader.thaw()

    def run(self, ways: Iterator[Callable[[Group], None]]) -> None:
        for way in itertools.islice(ways, TURNS):
            way(self)

    def close(self) -> None:
        for one in self._here:
            one.end(give_back=True)


@pytest.mark.fault(
    "api",
    "The leader changes a hundred times: given back, crashed, asleep",
    "Nobody writes while another leads.",
    within="no stale write",
)
def test_no_write_is_stale_in_a_hundred_failovers(api: Server, namespace: str) -> None:
    """Given back, crashed, asleep beyond its lease: nobody writes while another leads, and each change is counted."""
    with Versions(api, namespace) as written, Versions(api, namespace, LEASES) as held:
        groups = [Group(api, namespace, f"group-{number}") for number in range(GROUPS)]
        with ThreadPoolExecutor(GROUPS) as pool:
            ways = (Group.give_back, Group.crash, Group.sleep)
            list(pool.map(lambda group: group.run(itertools.cycle(ways)), groups))
        for group in groups:
            group.close()
    assert written.missed == held.missed == 0
    for group in groups:
        tenures = Tenures(held, group.key)
        bodies = [(version, json.loads(version.text or "")["metadata"]) for version in written.of(group.key)]
        marked = [(body["annotations"]["writer"], version) for version, body in bodies if "annotations" in body]
        assert tenures.stale(marked) == []
        assert {writer for writer, _ in marked} >= {*group.hurt}
        assert {*tenures.leaders} >= {*group.hurt}
        assert len(tenures.leaders) >= TURNS + 1
        assert tenures.transitions == len(tenures.leaders) - 1
