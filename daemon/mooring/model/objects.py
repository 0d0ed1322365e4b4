"""EndpointSlices as values, and all stored objects of one Service as one value."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from mooring.model.memory import NO_EXTRAS, NOTHING, Extras, Memory
from mooring.model.overrides import Drained, Pause, Trusted
from mooring.model.spec import Port, Publish, ServiceKey

FAMILIES = ("IPv4", "IPv6")
MANAGER = "mooring"
MIRROR = "endpointslicemirroring-controller.k8s.io"
KUBERNETES_KEEPERS = ".k8s.io"
"""How the names of Kubernetes' own controllers end."""


def family(address: str) -> str:
    """Of an IP address, in Kubernetes' words."""
    return "IPv6" if ":" in address else "IPv4"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The object is left as it is, and why; ``until`` when in monotonic seconds, where time alone ends it."""

    why: str
    until: float | None = None


class StoredAddresses(Protocol):
    """What is stored of a Service, in whichever objects."""

    @property
    def ready(self) -> frozenset[str]: ...

    @property
    def not_ready(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service as Kubernetes holds it; ``target`` is a number, a name, or None where it is the port."""

    name: str
    port: int
    target: int | str | None = None
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What a Service says of itself; ``families`` are "IPv4" and "IPv6", ``owner`` is ``Kind/name`` or empty."""

    ports: tuple[ServicePort, ...]
    type: str = "ClusterIP"
    selector: bool = False
    owner: str = ""
    families: tuple[str, ...] = ("IPv4",)
    cluster_ips: tuple[str, ...] = ()
    """Its own addresses; empty for a headless Service."""
    drain: tuple[Drained, ...] = ()
    """Entries of its annotation ``mooring/drain``."""
    pause: Pause | None = None
    trust: tuple[Trusted, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishTarget:
    """What the cluster allows for a Service: the ports to publish, and the families of addresses it can use."""

    ports: tuple[Port, ...]
    families: tuple[str, ...] = ("IPv4", "IPv6")
    drain: tuple[Drained, ...] = ()
    """Hosts to take out, by name or address."""
    pause: Pause | None = None
    trust: tuple[Trusted, ...] = ()
    mirrored: bool = False
    """Traffic follows EndpointSlices only, and somebody is to copy Endpoints there."""


@dataclass(frozen=True, slots=True)
class Subset:
    """One subset of an Endpoints object; addresses in the order of ``model.addresses.sort_key``."""

    ready: tuple[str, ...]
    not_ready: tuple[str, ...]
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class StoredEndpoints:
    """An Endpoints object as the cluster holds it; ``version`` is what a write must name."""

    key: ServiceKey
    version: str
    managed: bool
    """It bears our managed-by label."""
    subsets: tuple[Subset, ...]
    manager: str = ""
    """Who last wrote the subsets, by ``managedFields``; empty where these do not show it."""
    skip_mirror: bool = False
    skip_mirror_by: str = ""
    """Whether it bears the label that keeps it from being copied into EndpointSlices, and who put that there."""
    memory: Memory = NOTHING
    writer: str = ""
    """The identity of the Mooring that wrote it last."""
    extras: Extras = field(default=NO_EXTRAS, compare=False)
    kept_by: str = ""
    """Whose manifests have it, by its labels and annotations."""

    @property
    def adopted(self) -> bool:
        """We have written it before, whatever became of its label."""
        return self.managed or self.memory != NOTHING

    @property
    def ready(self) -> frozenset[str]:
        return frozenset(address for subset in self.subsets for address in subset.ready)

    @property
    def not_ready(self) -> frozenset[str]:
        return frozenset(address for subset in self.subsets for address in subset.not_ready) - self.ready


@dataclass(frozen=True, slots=True)
class EndpointsWrite:
    """One write: what is stored now (None: nothing) and the subsets that should be. ``before`` is the precondition."""

    key: ServiceKey
    before: StoredEndpoints | None
    subsets: tuple[Subset, ...]
    skip_mirror: bool = False
    memory: Memory = NOTHING
    writer: str = field(default="", compare=False)
    """Our identity."""
    extras: Extras = field(default=NO_EXTRAS, compare=False)
    """What is not ours, and stays."""


class Condition(enum.StrEnum):
    """What an endpoint may be used for: traffic, none, or traffic while no endpoint of the Service is ready."""

    READY = "ready"
    NOT_READY = "not-ready"
    LAST_RESORT = "last-resort"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a slice; ``hints`` are the zones that it is for."""

    address: str
    condition: Condition
    zone: str = ""
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """What an EndpointSlice says; ``family`` never changes."""

    name: str
    family: str
    endpoints: tuple[Endpoint, ...]
    ports: tuple[Port, ...]
    memory: Memory = NOTHING

    def of(self, *conditions: Condition) -> tuple[str, ...]:
        """The addresses of these conditions."""
        return tuple(one.address for one in self.endpoints if one.condition in conditions)


@dataclass(frozen=True, slots=True)
class StoredSlice:
    """An EndpointSlice as the cluster holds it; ``version`` is what a write must name."""

    version: str
    managed_by: str
    """Who keeps it, by its label ``endpointslice.kubernetes.io/managed-by``."""
    slice: Slice
    manager: str = ""
    """Who last wrote its endpoints, by ``managedFields``."""
    writer: str = ""
    """The identity of the Mooring that wrote it last."""
    extras: Extras = field(default=NO_EXTRAS, compare=False)

    @property
    def ours(self) -> bool:
        """By the label, or by our notes where somebody changed the label; mirrored slices have copies of these."""
        noted = self.slice.memory != NOTHING and not self.managed_by.endswith(KUBERNETES_KEEPERS)
        return self.managed_by == MANAGER or noted


@dataclass(frozen=True, slots=True)
class SliceWrite:
    """One write of one slice: what is stored now (None: nothing), and what should be (None: nothing)."""

    key: ServiceKey
    before: StoredSlice | None
    after: Slice | None
    evidence: float | None = None
    """When the host that it is about was first seen otherwise, in Unix seconds."""
    writer: str = field(default="", compare=False)
    """Our identity."""
    extras: Extras = field(default=NO_EXTRAS, compare=False)
    """What is not ours, and stays."""


Write = EndpointsWrite | SliceWrite


@dataclass(frozen=True, slots=True)
class DesiredObjects:
    """What should be stored of a Service; whatever ``publish`` leaves out of it is not written."""

    publish: Publish
    subsets: tuple[Subset, ...]
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[Port, ...] = ()
    memory: Memory = NOTHING
    evidence: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StoredObjects:
    """All that the cluster holds of one Service. Own slices outweigh the Endpoints, address by address."""

    endpoints: StoredEndpoints | None = None
    slices: tuple[StoredSlice, ...] = ()
    hidden: bool = False
    """We may not read slices, so nothing is known of them."""

    @property
    def own(self) -> tuple[StoredSlice, ...]:
        return tuple(one for one in self.slices if one.ours)

    @property
    def mirrored(self) -> tuple[StoredSlice, ...]:
        return tuple(one for one in self.slices if one.managed_by == MIRROR)

    @property
    def foreign(self) -> tuple[StoredSlice, ...]:
        """Of somebody else."""
        known = (*self.own, *self.mirrored)
        return tuple(one for one in self.slices if one not in known)

    @property
    def ready(self) -> frozenset[str]:
        unsaid = self.endpoints.ready - self._said() if self.endpoints else frozenset()
        return addresses(self.own, Condition.READY) | unsaid

    @property
    def not_ready(self) -> frozenset[str]:
        unsaid = self.endpoints.not_ready - self._said() if self.endpoints else frozenset()
        return (addresses(self.own, Condition.NOT_READY, Condition.LAST_RESORT) | unsaid) - self.ready

    @property
    def extras(self) -> Extras:
        """Of all objects that stand for the Service's hosts."""
        found = self.endpoints.extras if self.endpoints else NO_EXTRAS
        for one in self.own:
            found |= one.extras
        return found

    @property
    def memory(self) -> Memory:
        """What all of our objects note."""
        noted = [self.endpoints.memory] if self.endpoints else []
        noted += [one.slice.memory for one in self.own]
        hosts = {address: source for one in noted for address, source in one.hosts}
        probed = next((one.probed for one in noted if one.probed), None)
        service_ports = next((one.service_ports for one in noted if one.service_ports), "")
        return Memory(tuple(sorted(hosts.items())), probed, service_ports)

    @property
    def last_resort(self) -> frozenset[str]:
        return addresses(self.own, Condition.LAST_RESORT) - self.ready

    def _said(self) -> frozenset[str]:
        return addresses(own, *Condition) if (own := self.own) else frozenset()


def addresses(slices: Iterable[StoredSlice], *conditions: Condition) -> frozenset[str]:
    """The addresses of these conditions in any of the slices."""
    return frozenset(address for one in slices for address in one.slice.of(*conditions))
