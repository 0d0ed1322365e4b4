"""The logins that ending sessions needs, beside those of the probes: a real engine, over a server that stands still.

The server is a fake, because no real one stands still at a given moment.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

from lab.health_stores import store_of
from lab.values import KEY, report, spec
from lab.waiting import wait_until
from mooring.demotion.rules import SETTLE_SECONDS
from mooring.demotion.worker import DemotionWorker
from mooring.judge.store import HealthStore
from mooring.leader.elector import NoElection
from mooring.model.clocks import Clocks
from mooring.model.events import Event, HostChanged, Published, SessionsKilled
from mooring.model.facts import Channel, Facts
from mooring.model.objects import EndpointsWrite, StoredEndpoints, Subset
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import Port, Requirement, Role, ServiceSpec
from mooring.model.targets import Target
from mooring.protocols.redis.options import RedisOptions
from support.engine_harness import SECONDS, Turns, turns
from support.fake_redis import Puppet, puppet

A = "10.20.0.11"
TIMEOUT = 2.0
REPLICA = Facts(read_only="a replica", channels=(Channel("10.20.0.12:6379"),))


class Demoted:
    """One Service of one primary that has just said that it is none any more; its sessions are due to be ended."""

    def __init__(self, server: Puppet) -> None:
        self.server = server
        self.told: list[Event] = []
        self._skipped = 0.0
        ports = (Port("redis", server.port),)
        before = StoredEndpoints(KEY, "1", True, (Subset((A,), (), ports),))
        self._store = store_of(_listed(server, ports), of=before)
        self._withdrawn = Published(EndpointsWrite(KEY, before, (Subset((), (A,), ports),)))
        (self.target,) = self._store.targets()

    @contextlib.contextmanager
    def worker(self, engine: Turns) -> Iterator[DemotionWorker]:
        clocks = Clocks(lambda: time.monotonic() + self._skipped, time.time)
        worker = DemotionWorker(
            self._store, engine.engine.lending, self.told.append, clocks=clocks, leadership=NoElection()
        )
        (event,) = (one for one in _says(self._store, self.target) if isinstance(one, HostChanged))
        worker.write(event)
        worker.write(self._withdrawn)
        self._skipped += SETTLE_SECONDS + 0.1
        worker.step()
        try:
            yield worker
        finally:
            self.server.awake.set()
            assert worker.wait(SECONDS)

    def error(self) -> str:
        (told,) = self.told
        assert isinstance(told, SessionsKilled)
        return told.error


def _listed(server: Puppet, ports: tuple[Port, ...]) -> ServiceSpec:
    plain = spec(A, timeout=TIMEOUT)
    host = replace(plain.hosts[0], probe_address=server.address)
    asked = replace(
        plain.check, protocol="redis", options=RedisOptions.model_validate({}), requirement=Requirement(Role.PRIMARY)
    )
    return replace(plain, hosts=(host,), check=asked, ports=ports, kill_users=("app",))


def _says(store: HealthStore, target: Target) -> tuple[Event, ...]:
    seen = replace(report(target, started=time.monotonic()), observation=Observation(Reason.OK, facts=REPLICA))
    return tuple(store.take([seen]).events)


def test_a_probe_makes_no_login_beside_the_one_that_ending_sessions_has_under_way() -> None:
    """A server that stands still meets one login of Mooring, not two: the probe waits, and then is a timeout."""
    with puppet() as server, turns((demoted := Demoted(server)).target) as engine:
        server.awake.clear()
        with demoted.worker(engine) as worker:
            wait_until(lambda: server.connections, SECONDS, "its login")
            engine.engine.ask([demoted.target])
            assert engine.next(demoted.target, 0).observation.reason is Reason.TIMEOUT
            assert worker.wait(SECONDS)
            assert server.connections == 1
    assert demoted.error().startswith("no login: ")
