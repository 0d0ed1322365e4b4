"""A primary that has just said that it is none any more, and the worker that ends its sessions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from lab.health_stores import store_of
from lab.values import KEY, report, spec
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
from mooring.protocols.registry import PROTOCOLS
from support.engine_harness import Turns

A = "10.20.0.11"
TIMEOUT = 2.0
REPLICA = Facts(read_only="a replica", channels=(Channel("10.20.0.12:6379"),))


class Demoted:
    """One Service of one primary that has just said that it is none any more; its sessions are due to be ended."""

    def __init__(self, protocol: str, address: str, port: int, **block: object) -> None:
        self.told: list[Event] = []
        self._skipped = 0.0
        ports = (Port(protocol, port),)
        before = StoredEndpoints(KEY, "1", True, (Subset((A,), (), ports),))
        self._store = store_of(_listed(protocol, address, ports, block), of=before)
        self._withdrawn = Published(EndpointsWrite(KEY, before, (Subset((), (A,), ports),)))
        (self.target,) = self._store.targets()

    def worker(self, engine: Turns) -> DemotionWorker:
        """One that has begun to end the sessions."""
        clocks = Clocks(lambda: time.monotonic() + self._skipped, time.time)
        worker = DemotionWorker(
            self._store, engine.engine.lending, self.told.append, clocks=clocks, leadership=NoElection()
        )
        (event,) = (one for one in _says(self._store, self.target) if isinstance(one, HostChanged))
        worker.write(event)
        worker.write(self._withdrawn)
        self._skipped += SETTLE_SECONDS + 0.1
        worker.step()
        return worker

    def error(self) -> str:
        (told,) = self.told
        assert isinstance(told, SessionsKilled)
        return told.error


def _listed(protocol: str, address: str, ports: tuple[Port, ...], block: Mapping[str, object]) -> ServiceSpec:
    plain = spec(A, timeout=TIMEOUT)
    host = replace(plain.hosts[0], probe_address=address)
    options = PROTOCOLS[protocol].options.model_validate(block)
    asked = replace(plain.check, protocol=protocol, options=options, requirement=Requirement(Role.PRIMARY))
    return replace(plain, hosts=(host,), check=asked, ports=ports, kill_users=("app",))


def _says(store: HealthStore, target: Target) -> tuple[Event, ...]:
    seen = replace(report(target, started=time.monotonic()), observation=Observation(Reason.OK, facts=REPLICA))
    return tuple(store.take([seen]).events)
