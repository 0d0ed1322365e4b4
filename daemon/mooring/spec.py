"""What the file says, as frozen values; times in seconds."""

from __future__ import annotations

import enum
from collections.abc import Hashable
from dataclasses import dataclass

from mooring.reasons import Reason


@dataclass(frozen=True, slots=True, order=True)
class ServiceKey:
    """A Service, and so the Endpoints of the same name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Port:
    """A port that is published: the Service port's name ("" where it has none) and the number on the host."""

    name: str
    port: int
    protocol: str = "TCP"


class Adopt(enum.StrEnum):
    """What to do with an object that somebody else made."""

    IF_LISTED = "ifListed"
    REPLACE = "replace"


class WhenAllFail(enum.StrEnum):
    """What to publish when no host of a Service is fit."""

    PUBLISH_NONE = "publishNone"
    KEEP_LAST = "keepLast"


class Publish(enum.StrEnum):
    """The kind of object that a Service's addresses are written to."""

    ENDPOINTS = "endpoints"
    SLICES = "endpointSlices"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How many consecutive contradicting outcomes change a verdict."""

    success: int
    failure: int


class WhenSaturated(enum.StrEnum):
    """What it means that a host takes no new login while the session that we hold there answers."""

    KEEP = "keep"
    FAIL = "fail"


class Role(enum.StrEnum):
    """The part in a replication that a Service asks of its hosts."""

    ANY = "any"
    PRIMARY = "primary"
    REPLICA = "replica"


class OnSplitBrain(enum.StrEnum):
    """What to publish of a Service of primaries while several hosts claim to be it."""

    KEEP_INCUMBENT = "keepIncumbent"
    PUBLISH_NONE = "publishNone"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a host must say of itself to serve; see ``decide.assess``."""

    role: Role = Role.ANY
    lag_seconds: float | None = None
    """A replica that is further behind is unfit, until it is within 80 % of that again."""
    lag_bytes: int | None = None
    allow_donor: bool = False
    allow_replicating: bool = False


NOTHING_MORE = Requirement()


@dataclass(frozen=True, slots=True)
class Electors:
    """Who says which host is primary: ``options`` are the question's, each of ``hosts`` is an address and a port."""

    protocol: str
    options: Hashable
    hosts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """How the hosts of a Service are probed; ``options`` is the protocol's own frozen block. Times in seconds."""

    protocol: str
    options: Hashable
    period: float
    timeout: float
    thresholds: Thresholds
    expect: str | None = None
    """The answer that the protocol's question must have, where the file asks one with a known answer."""
    edge: float = 0.05
    login: float = 10.0
    when_saturated: WhenSaturated = WhenSaturated.KEEP
    requirement: Requirement = NOTHING_MORE
    electors: Electors | None = None
    """Where there are any, a host becomes the primary only if the majority of them says so."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One entry of ``hosts`` as written: ``address`` is an IP address or a DNS name."""

    name: str
    address: str
    probe_address: str | None = None
    probe_port: int | None = None
    maintenance: bool = False
    also: tuple[str, ...] = ()
    """Further IP addresses of the same machine: published with the same verdict, not probed."""
    zone: str = ""
    backup: bool = False


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One entry of ``services``, defaults merged."""

    key: ServiceKey
    hosts: tuple[HostSpec, ...]
    check: Check
    ports: tuple[Port, ...] = ()
    adopt: Adopt = Adopt.IF_LISTED
    when_all_fail: WhenAllFail = WhenAllFail.PUBLISH_NONE
    publish: Publish = Publish.ENDPOINTS
    last_resort: frozenset[Reason] = frozenset()
    min_ready: int = 1
    """So many hosts must be ready before a backup is held back."""
    on_split_brain: OnSplitBrain = OnSplitBrain.KEEP_INCUMBENT
    kill_users: tuple[str, ...] = ()
    """Whose sessions are ended on a host that says itself that it is the primary no more."""


@dataclass(frozen=True, slots=True)
class Config:
    """A whole valid file; ``hash`` is the SHA-256 of its bytes in hexadecimal."""

    services: tuple[ServiceSpec, ...]
    hash: str
