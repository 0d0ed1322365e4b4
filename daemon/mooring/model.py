"""The frozen values that travel between the rooms.

Times: ``started``/``ended``/``now`` are monotonic seconds, ``at``/``since`` are Unix seconds and only for display.
"""

from __future__ import annotations

import enum
from collections.abc import Hashable
from dataclasses import dataclass

from mooring.facts import Facts
from mooring.reasons import MEANINGS, Effect, Reason
from mooring.spec import NOTHING_MORE, Port, Requirement, Role, ServiceKey, Thresholds, WhenSaturated


@dataclass(frozen=True, slots=True)
class Terms:
    """How often something is asked of a host, in seconds."""

    period: float
    edge: float
    """Between the probes that confirm the loss of a session."""
    login: float
    """Between full logins while a session is held."""
    confirmations: int
    """How many probes confirm it at most."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to probe; Services that list the same one share it. ``address`` is an IP literal."""

    protocol: str
    address: str
    port: int
    timeout: float
    options: Hashable


@dataclass(frozen=True, slots=True)
class Member:
    """One address that a Service may publish: a listed IP, or one of the IPs that a listed name holds now."""

    service: ServiceKey
    host: str
    address: str
    target: Target
    period: float
    thresholds: Thresholds
    expect: str | None = None
    maintenance: bool = False
    also: tuple[str, ...] = ()
    zone: str = ""
    backup: bool = False
    edge: float = 0.05
    login: float = 10.0
    when_saturated: WhenSaturated = WhenSaturated.KEEP
    requirement: Requirement = NOTHING_MORE

    @property
    def selective(self) -> bool:
        """Its Service wants more of it than an answer."""
        return self.expect is not None or self.requirement.role is not Role.ANY

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that share the verdict; the first is the one that is judged."""
        return (self.address, *self.also)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe saw: how far it got, in words of the table, and the facts it read on the way.

    ``message`` is cleaned already: escaped, at most 256 bytes, without secrets. ``latency`` in seconds, None: from
    start to end.
    """

    reason: Reason
    message: str = ""
    answer: str | None = None
    latency: float | None = None
    facts: Facts | None = None
    """None: it was not asked for them, or did not come so far."""
    unread: Outcome | None = None
    """Why the facts could not be read, though the host answers: matters only to who needs them."""
    held: bool = False
    """A session that we hold there answers all the same."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished probe of a target. A ``witness`` was asked only to learn whether anything answers at all.

    An ``edge`` probe confirms the loss of a session: it counts without being due.
    """

    target: Target
    observation: Observation
    started: float
    ended: float
    at: float
    witness: bool = False
    edge: bool = False
    hastened: bool = False
    """Asked before its turn, because a claim to be the primary waits for it."""

    @property
    def latency(self) -> float:
        """Seconds."""
        seconds = self.observation.latency
        return self.ended - self.started if seconds is None else seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """An observation judged by what one Service wants of the host."""

    reason: Reason
    message: str = ""
    stays: bool = False
    """It would count, but a policy of the Service leaves the verdict as it is."""

    @property
    def effect(self) -> Effect:
        return Effect.UNKNOWN if self.stays else MEANINGS[self.reason].effect


class Verdict(enum.StrEnum):
    """What Mooring holds of a host."""

    UNJUDGED = "never-judged"
    READY = "ready"
    NOT_READY = "not-ready"


class Transition(enum.Enum):
    """What an outcome did to a verdict."""

    UNCHANGED = "unchanged"
    PENDING = "pending"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class HostState:
    """A verdict with the streak of outcomes against it and the last outcome, whichever it was."""

    verdict: Verdict = Verdict.UNJUDGED
    streak: int = 0
    since: float | None = None
    outcome: Outcome | None = None
    counted_at: float | None = None
    """When, in monotonic seconds, an outcome was last taken."""
    probed_at: float | None = None
    latency: float | None = None
    facts: Facts | None = None
    """What it said last of its role."""
    barred: bool = False
    """It said itself that it must not serve (``Effect.DECIDES``), and no success took that back."""
    fault: Reason | None = None
    """Of the last failure: a success or an outcome that is unknown does not take it back."""


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
    drain: tuple[str, ...] = ()
    """Entries of its annotation ``mooring/drain``."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What the cluster allows for a Service: the ports to publish, and the families of addresses it can use."""

    ports: tuple[Port, ...]
    families: tuple[str, ...] = ("IPv4", "IPv6")
    drain: tuple[str, ...] = ()
    """Hosts to take out, by name or address."""
    mirrored: bool = False
    """Traffic follows EndpointSlices only, and somebody is to copy Endpoints there."""


@dataclass(frozen=True, slots=True)
class Subset:
    """One subset of an Endpoints object; addresses in the order of ``decide.addresses.sort_key``."""

    ready: tuple[str, ...]
    not_ready: tuple[str, ...]
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """An Endpoints object as the cluster holds it; ``version`` is what a write must name."""

    key: ServiceKey
    version: str
    managed: bool
    """It bears our managed-by label."""
    subsets: tuple[Subset, ...]
    manager: str = ""
    """Who last wrote the subsets, as ``managedFields`` tells; empty where nothing tells."""
    unmirrored: bool = False
    unmirrored_by: str = ""
    """Whether it bears the label that keeps it from being copied into EndpointSlices, and who put that there."""

    @property
    def ready(self) -> frozenset[str]:
        return frozenset(address for subset in self.subsets for address in subset.ready)

    @property
    def not_ready(self) -> frozenset[str]:
        return frozenset(address for subset in self.subsets for address in subset.not_ready) - self.ready


@dataclass(frozen=True, slots=True)
class Change:
    """One write: what is stored now (None: nothing) and the subsets that should be. ``before`` is the precondition."""

    key: ServiceKey
    before: Stored | None
    subsets: tuple[Subset, ...]
    unmirrored: bool = False
