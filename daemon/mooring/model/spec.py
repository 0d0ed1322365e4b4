"""What the file says, as frozen values; times in seconds."""

from __future__ import annotations

import enum
from collections.abc import Hashable
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from mooring.model.damping import NO_FLOOR, FlapRule, Floor
from mooring.model.reasons import Reason


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
    """The role in a replication that a Service asks of its hosts."""

    ANY = "any"
    PRIMARY = "primary"
    REPLICA = "replica"


class OnSplitBrain(enum.StrEnum):
    """What to publish of a Service of one primary while several hosts claim to be it."""

    KEEP_INCUMBENT = "keepIncumbent"
    PUBLISH_NONE = "publishNone"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a host must say of itself to serve; see ``judge.assess``."""

    role: Role = Role.ANY
    lag_seconds: float | None = None
    """A replica that is further behind is unfit, until it is within 80 % of that again."""
    lag_bytes: int | None = None
    allow_donor: bool = False
    allow_replicating: bool = False


NOTHING_MORE = Requirement()


class ProbeOptions(Hashable, Protocol):
    """A protocol's own frozen block of the file: what is asked of a host, and how to log in to it."""

    def files(self) -> tuple[str, ...]:
        """The files that a login reads."""

    def passwords(self) -> tuple[str, ...]:
        """Those of ``files`` that hold a password."""

    def encrypted(self) -> bool:
        """Whether nothing may be sent before a TLS handshake."""

    def authenticates(self) -> bool:
        """Whether a login sends a password."""

    def login_key(self) -> Hashable:
        """What determines a session: blocks with equal keys can ask over the same one."""

    def for_host(self, server_name: str, dns_name: str) -> ProbeOptions:
        """The block for one host, by the name that its entry gives for TLS and by its DNS name; either may be empty."""

    def question(self, *, facts: bool | None = None) -> ProbeOptions:
        """The block without what only its judge must know: equal for all that can share one probe.

        ``facts``: ask for the facts of the role though the block does not; None: as the block says.
        """


@dataclass(frozen=True, slots=True)
class PrimaryQuorum:
    """Servers whose majority names the primary: ``options`` are how they are asked, ``hosts`` addresses and ports."""

    protocol: str
    options: ProbeOptions
    hosts: tuple[tuple[str, int], ...]
    title: str = "those who are asked"
    """What people call the hosts, in the plural, as ``the Sentinels``."""


EDGE_SECONDS, LOGIN_SECONDS = 0.05, 10.0
"""The defaults of ``edgeSeconds`` and ``loginSeconds``; the latter is longer for periods of more than 2 s."""


@dataclass(frozen=True, slots=True)
class ProbeTimings:
    """How often a target is asked, in seconds."""

    period: float
    edge: float
    """Between the probes that confirm the loss of a session."""
    login: float
    """Between full logins while a session is held."""
    confirmations: int
    """How many probes confirm the loss at most."""
    login_stated: float = inf
    """The shortest between full logins that stands in the file; infinity: none does."""

    @property
    def login_is_default(self) -> bool:
        """The file asks for none so often: the logins of all targets together may make ``login`` longer."""
        return self.login < self.login_stated


@dataclass(frozen=True, slots=True)
class Check:
    """How the hosts of a Service are probed; ``options`` is the protocol's own frozen block. Times in seconds."""

    protocol: str
    options: ProbeOptions
    period: float
    timeout: float
    thresholds: Thresholds
    expect: str | None = None
    """The answer that the protocol's question must have, where the file asks one with a known answer."""
    edge: float = EDGE_SECONDS
    login: float = LOGIN_SECONDS
    login_is_default: bool = True
    """``loginSeconds`` does not stand in the file."""
    when_saturated: WhenSaturated = WhenSaturated.KEEP
    requirement: Requirement = NOTHING_MORE
    quorum: PrimaryQuorum | None = None
    """With a quorum, a host becomes the primary only if the majority names it."""

    @property
    def timings(self) -> ProbeTimings:
        stated = inf if self.login_is_default else self.login
        return ProbeTimings(self.period, self.edge, self.login, self.thresholds.failure, stated)


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
    server_name: str = ""
    """The name that its certificate must bear; empty: as the check says."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One entry of ``services``, defaults merged."""

    key: ServiceKey
    hosts: tuple[HostSpec, ...]
    check: Check
    ports: tuple[Port, ...] = ()
    probed: Port | None = None
    """The one that is probed, of ports that the cluster gave; None: the first."""
    adopt: Adopt = Adopt.IF_LISTED
    when_all_fail: WhenAllFail = WhenAllFail.PUBLISH_NONE
    publish: Publish = Publish.ENDPOINTS
    last_resort: frozenset[Reason] = frozenset()
    observers: bool = False
    """Silence counts only where most observers see it, too."""
    min_ready: int = 1
    """So many hosts must be ready before a backup is held back."""
    on_split_brain: OnSplitBrain = OnSplitBrain.KEEP_INCUMBENT
    kill_users: tuple[str, ...] = ()
    """The users whose sessions Mooring ends on a host that says that it is no longer the primary."""
    flap: FlapRule | None = None
    """None: a host that goes out again and again comes back as any other."""
    keep_on_silence: Floor = NO_FLOOR
    """Silence alone takes no more hosts out than leave so many."""


@dataclass(frozen=True, slots=True)
class Config:
    """A whole valid file; ``hash`` is the SHA-256 of its bytes in hexadecimal. ``warnings`` are sentences."""

    services: tuple[ServiceSpec, ...]
    hash: str
    warnings: tuple[str, ...] = field(default=(), compare=False)
