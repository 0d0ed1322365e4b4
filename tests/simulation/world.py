"""One world: machines, daemons, databases and an API server, and the steps that happen to them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mooring.model.events import Event
from mooring.model.probes import Report
from mooring.model.spec import Config
from simulation import stage
from simulation.api_server import ApiServer
from simulation.api_store import Change
from simulation.daemons import NAMESPACE, SimulatedDaemon
from simulation.files import address_of, name_of, parsed
from simulation.hosts import Database
from simulation.kernel import Kernel
from simulation.name_server import NameServer
from simulation.network import Network
from simulation.plan import Plan, ServicePlan
from simulation.steps import perform
from simulation.stored import OF_SERVICE
from simulation.trace import Trace

PORT = 6379


class SimulatedWorld:
    """``judge`` sees each change that the API server stores, each report of a probe, and each step."""

    def __init__(self, plan: Plan, judge: Callable[[SimulatedWorld], Any]) -> None:
        random.seed(plan.seed)
        self.plan = plan
        self.kernel = Kernel(plan.seed)
        self.kernel.preempts = plan.preempts
        self.network = Network(self.kernel)
        self.names = NameServer(self.kernel)
        stage.enter(self.kernel, self.network, self.names)
        self.trace = Trace()
        self.identities: dict[str, str] = {}
        self.services = {one.name: one for one in plan.services}
        self.theirs = {one.name: one for one in plan.theirs}
        """The Services in the file of the second installation."""
        self.config, self._their_config = parsed(plan, plan.services), parsed(plan, plan.theirs or plan.services)
        self.databases = {name: Database(self.network, name, address_of(plan, name), PORT) for name in plan.databases}
        for name in plan.databases[1:]:
            self.databases[name].become(primary=False, lag=0.0)
        self.at = {database.address: name for name, database in self.databases.items()}
        self.api = ApiServer(self.kernel, self.network, self)
        self.daemons: dict[str, SimulatedDaemon] = {}
        for name, rate in zip(plan.daemons, plan.rates, strict=True):
            self.daemons[name] = SimulatedDaemon(self, name, rate)
        self.defects: list[str] = []
        self.paused_since: dict[str, float] = {}
        self.taken_out: dict[tuple[str, str], float] = {}
        """When each host of a Service was last put in maintenance or drained."""
        self.stood_still: dict[str, float] = {}
        """When each machine was last frozen, suspended, or let go again."""
        self.judge = judge(self)

    def address(self, name: str) -> str:
        return self.databases[name].address

    def config_of(self, daemon: str) -> Config:
        return self._their_config if daemon in self.plan.rivals else self.config

    def file_of(self, process: str) -> Mapping[str, ServicePlan]:
        """The Services in the file of this process."""
        return self.theirs if process.split(".", maxsplit=1)[0] in self.plan.rivals else self.services

    def run(self) -> None:
        for one in self.plan.services:
            self.make_service(one.name)
            if one.named:
                self.point(one.name, one.hosts)
        for index, daemon in enumerate(self.daemons.values()):
            self.kernel.at(0.1 + 0.4 * index, daemon.start)

        for step in self.plan.steps:
            perform(self, step)
        self.kernel.run(self.plan.seconds)

    def make_service(self, name: str) -> None:
        spec = {"ports": [{"name": "db", "port": PORT, "targetPort": PORT}], "type": "ClusterIP"}
        path = f"/api/v1/namespaces/{NAMESPACE}/services"
        self.api.edit("POST", path, {"metadata": {"name": name}, "spec": spec}, "kubectl")

    def edit(self, method: str, path: str, body: Any) -> None:
        """Somebody else edits an object; where it is not there, nothing happens."""
        place, name = path.split("/")
        group = "/apis/discovery.k8s.io/v1" if place == "endpointslices" else "/api/v1"
        self.api.edit(method, f"{group}/namespaces/{NAMESPACE}/{place}/{name}", body, "somebody")

    def change_file(self, name: str, maintenance: Callable[[ServicePlan], frozenset[str]]) -> None:
        """The file is edited; each daemon takes it up a moment later."""
        plan = self.services[name]
        for host in maintenance(plan) - plan.maintenance:
            self.taken_out[name, host] = self.kernel.now
        self.services[name] = replace(plan, maintenance=maintenance(plan))
        self.config = parsed(self.plan, self.services.values())
        for daemon in self.daemons.values():
            late = self.kernel.chance.uniform(0.0, 2.0)
            self.kernel.at(self.kernel.now + late, daemon.reload)

    def point(self, service: str, databases: Sequence[str]) -> None:
        """The DNS name of the Service holds the addresses of these databases from now on."""
        self.names.point(name_of(self.services[service]), [self.address(one) for one in databases])

    def stored(self, name: str) -> dict[str, Any] | None:
        return self.api.store.objects.get(f"/api/v1/namespaces/{NAMESPACE}/endpoints", {}).get(name)

    def slices(self, service: str) -> list[dict[str, Any]]:
        """The stored EndpointSlices of a Service."""
        held = self.api.store.objects.get(f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices", {})
        return [one for one in held.values() if (one["metadata"].get("labels") or {}).get(OF_SERVICE) == service]

    def _annotation(self, name: str, annotation: str) -> str | None:
        service = self.api.store.objects.get(f"/api/v1/namespaces/{NAMESPACE}/services", {}).get(name) or {}
        found = service.get("metadata", {}).get("annotations", {}).get(annotation)
        return None if found is None else str(found)

    def paused(self, name: str) -> float | None:
        """Since when somebody has paused it; None: nobody has."""
        return self.paused_since.get(name) if self._annotation(name, "mooring/paused") is not None else None

    def is_drained(self, service: str, name: str) -> bool:
        return self._annotation(service, "mooring/drain") == name

    def out_since(self, service: str, name: str) -> float:
        """Since when somebody has it in maintenance or drained; infinity: nobody has."""
        out = name in self.services[service].maintenance or self.is_drained(service, name)
        return self.taken_out.get((service, name), math.inf) if out else math.inf

    def can_serve(self, plan: ServicePlan, name: str) -> bool:
        """What somebody would say who knows everything."""
        state = self.databases[name].state
        fits = plan.role == "any" or state.primary is (plan.role == "primary")
        return state.serves and fits and name not in plan.maintenance

    def lists(self, plan: ServicePlan, name: str) -> bool:
        """Whether the file lists the database, by its address or by a name that holds it."""
        return not plan.named or self.address(name) in self.names.held(name_of(plan))

    def hear(self, who: str, event: Event) -> None:
        self.trace.add(self.kernel.now, who, event)
        self.judge.event(who, event)

    def reported(self, who: str, reports: Sequence[Report]) -> None:
        self.judge.reports(who, reports)

    def died(self, args: Any) -> None:
        """A thread of a daemon ended by an exception: a defect."""
        self.defects.append(f"{self.kernel.process.name}: {args.exc_type.__name__}: {args.exc_value}")

    def call(self, by: str, method: str, path: str, body: Any) -> None:
        self.judge.call(by, method, path, body)

    def change(self, change: Change) -> None:
        if not change.collection.endswith("/events"):
            by = self.identities.get(change.by, change.by)
            self.trace.add(self.kernel.now, by, f"{change.type} {change.collection}/{change.name} {change.version}")
        self.judge.change(change)

    def wrote_nothing(self, by: str, path: str) -> None:
        self.judge.wrote_nothing(by, path)
