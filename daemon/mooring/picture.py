"""EndpointSlices as values, and all that is stored of one Service as one picture."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from mooring.model import Change, Stored, Subset
from mooring.spec import Port, Publish, ServiceKey

FAMILIES = ("IPv4", "IPv6")
US = "mooring"
MIRROR = "endpointslicemirroring-controller.k8s.io"


def family(address: str) -> str:
    """Of an IP address, in Kubernetes' words."""
    return "IPv6" if ":" in address else "IPv4"


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

    def of(self, *conditions: Condition) -> tuple[str, ...]:
        """The addresses of these conditions."""
        return tuple(one.address for one in self.endpoints if one.condition in conditions)


@dataclass(frozen=True, slots=True)
class StoredSlice:
    """An EndpointSlice as the cluster holds it; ``version`` is what a write must name."""

    version: str
    keeper: str
    """Who keeps it, by its label ``endpointslice.kubernetes.io/managed-by``."""
    slice: Slice
    manager: str = ""
    """Who last wrote its endpoints, as ``managedFields`` tells."""


@dataclass(frozen=True, slots=True)
class SliceChange:
    """One write of one slice: what is stored now (None: nothing), and what should be (None: nothing)."""

    key: ServiceKey
    before: StoredSlice | None
    after: Slice | None
    evidence: float | None = None
    """When the host that it is about was first seen otherwise, in Unix seconds."""


Step = Change | SliceChange


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be stored of a Service; whatever ``publish`` leaves out of it is not written."""

    publish: Publish
    subsets: tuple[Subset, ...]
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[Port, ...] = ()
    evidence: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the cluster holds of one Service. Own slices outweigh the Endpoints, address by address."""

    endpoints: Stored | None = None
    slices: tuple[StoredSlice, ...] = ()
    hidden: bool = False
    """We may not read slices, so nothing is known of them."""

    @property
    def own(self) -> tuple[StoredSlice, ...]:
        return self._kept_by({US})

    @property
    def mirrored(self) -> tuple[StoredSlice, ...]:
        return self._kept_by({MIRROR})

    @property
    def foreign(self) -> tuple[StoredSlice, ...]:
        """Of somebody else."""
        known = self._kept_by({US, MIRROR})
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
    def last_resort(self) -> frozenset[str]:
        return addresses(self.own, Condition.LAST_RESORT) - self.ready

    def _said(self) -> frozenset[str]:
        return addresses(self.own, *Condition)

    def _kept_by(self, keepers: Iterable[str]) -> tuple[StoredSlice, ...]:
        return tuple(one for one in self.slices if one.keeper in keepers)


def addresses(slices: Iterable[StoredSlice], *conditions: Condition) -> frozenset[str]:
    """The addresses of these conditions in any of the slices."""
    return frozenset(address for one in slices for address in one.slice.of(*conditions))
