"""Probes every host and every Sentinel of the file once, as ``mooring check`` does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mooring.cli.once import ask_until_steady
from mooring.cluster.snapshot import Snapshot
from mooring.judge.store import HealthStore
from mooring.judge.view import ServiceView
from mooring.model.addresses import Network
from mooring.model.clocks import Clocks
from mooring.model.objects import Refusal
from mooring.model.probes import Observation
from mooring.model.spec import Port, ServiceSpec
from mooring.model.targets import Target
from mooring.plan.serving import serving
from mooring.probe.inventory import Inventory
from mooring.protocols.registry import PROTOCOLS

Probe = Callable[[Target], Observation]


@dataclass(frozen=True, slots=True)
class Probes:
    """``views``: the Services as they are judged then; ``seen``: what the last probe of each target saw."""

    views: tuple[ServiceView, ...]
    seen: Mapping[Target, Observation]


def probe_all(specs: Sequence[ServiceSpec], allowed: tuple[Network, ...], probe: Probe) -> Probes:
    """Each with its ports."""
    store, seen, lock = HealthStore(), dict[Target, Observation](), threading.Lock()

    def noting(target: Target) -> Observation:
        found = probe(target)
        with lock:
            seen[target] = found
        return found

    inventory = Inventory(specs, store, allowed, lambda _event: None, lambda _keys: None)
    inventory.resolve_all()
    for spec in specs:
        store.seed(spec.key, None)
    ask_until_steady(store, noting, Clocks())
    return Probes(store.snapshot(), seen)


def with_ports(spec: ServiceSpec, found: Snapshot | None) -> ServiceSpec | None:
    """The Service with the ports to probe: the file's, else the cluster's, else the protocol's; None: nobody knows."""
    default = PROTOCOLS[spec.check.protocol].options.default_port
    if spec.ports or all(host.probe_port for host in spec.hosts):
        return spec
    target = serving(spec.key, (), found.service) if found else None
    if target is not None and not isinstance(target, Refusal):
        return replace(spec, ports=target.ports)
    return None if default is None else replace(spec, ports=(Port("", default),))
