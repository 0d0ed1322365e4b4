"""What listeners get about objects that others change too, and about people who overrule Mooring; see ``events``."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.model.overrides import Pause
from mooring.model.spec import Port, ServiceKey


@dataclass(frozen=True, slots=True)
class AddressesHeld:
    """No host has these addresses, and they stay published because ``names`` do not resolve; empty: none any more."""

    service: ServiceKey
    addresses: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contested:
    """Somebody changes what we store again and again: a manager, or another Mooring by its identity."""

    service: ServiceKey
    rival: str
    mooring: bool = False


@dataclass(frozen=True, slots=True)
class AdmissionChanged:
    """The API server stored something else than we wrote; ``changed`` says what, ``again``: it is tried again."""

    service: ServiceKey
    changed: tuple[str, ...]
    again: bool


@dataclass(frozen=True, slots=True)
class PauseChanged:
    """The Service's annotation pauses it from now on, or, ``pause`` None, does no more; probes go on meanwhile."""

    service: ServiceKey
    pause: Pause | None


@dataclass(frozen=True, slots=True)
class TrustChanged:
    """The Service's annotation vouches for these hosts, by their names in the file; empty: for none any more."""

    service: ServiceKey
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustUnknown:
    """An entry of the Service's annotation that names none of its hosts, or no end; the others hold."""

    service: ServiceKey
    entry: str


@dataclass(frozen=True, slots=True)
class PortsPending:
    """The Service should publish other ports; the old ones are published until a host has answered at the new ones."""

    service: ServiceKey
    published: tuple[Port, ...]
    wanted: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class PortsChanged:
    """A host has answered at the new ports, and the Service publishes them from now on."""

    service: ServiceKey
    before: tuple[Port, ...]
    after: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class ProbedPortGone:
    """The Service does not have the port any more that was probed; ``instead`` is."""

    service: ServiceKey
    port: Port
    instead: Port


@dataclass(frozen=True, slots=True)
class KeptByManifest:
    """An object was adopted that somebody's manifests have as well: each time they are applied, they undo ours."""

    service: ServiceKey
    keeper: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """Mooring keeps an Endpoints from now on that somebody else had made."""

    service: ServiceKey


@dataclass(frozen=True, slots=True)
class LastReadyDrained:
    """The Service's annotation took out these hosts, by their names in the file, and no ready host is left."""

    service: ServiceKey
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effective:
    """The slices that kube-proxy reads hold what was stored; ``latencies``: seconds since each verdict in it."""

    service: ServiceKey
    latencies: tuple[float, ...]


PublishEvent = (
    Effective
    | AddressesHeld
    | AdmissionChanged
    | Adopted
    | Contested
    | KeptByManifest
    | LastReadyDrained
    | PauseChanged
    | PortsChanged
    | PortsPending
    | ProbedPortGone
    | TrustChanged
    | TrustUnknown
)
