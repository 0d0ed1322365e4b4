"""Events for listeners (log, metrics, status page): frozen facts of the past."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.model.errors import ClusterError
from mooring.model.host_events import HostHeld, HostKnown
from mooring.model.lease_events import LeaseEvent
from mooring.model.objects import Write
from mooring.model.probes import Report
from mooring.model.publish_events import PublishEvent
from mooring.model.spec import ServiceKey
from mooring.model.targets import Member, Target
from mooring.model.verdicts import HostState, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class HostChanged:
    """A verdict changed."""

    member: Member
    state: HostState
    before: Verdict
    streak: int
    """How many consecutive outcomes it took."""
    seconds: float | None = None
    """From the start of the first of them to the end of the last; None for a first verdict."""
    counts: tuple[int, int] | None = None
    """How many hosts of the Service are ready after it, and how many there are; None: not counted."""


@dataclass(frozen=True, slots=True)
class HostUnknown:
    """A host's outcome became unknown, for a reason that it did not have just before."""

    member: Member
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Probed:
    """One probe ended; emitted only where the log shows probes."""

    report: Report


@dataclass(frozen=True, slots=True)
class BlindChanged:
    """All ready hosts fell silent at once, or one of them answers again."""

    blind: bool
    targets: int


@dataclass(frozen=True, slots=True)
class KeptLast:
    """Every host of a Service would leave it, and ``whenAllFail: keepLast`` keeps the stored ready set."""

    service: ServiceKey
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddressRemoved:
    """An address that the file does not list left the stored object. ``manager`` put it there; empty: not known."""

    service: ServiceKey
    address: str
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Repaired:
    """Somebody else changed or deleted what Mooring had stored, and Mooring restored it; ``manager`` as above."""

    service: ServiceKey
    manager: str = ""


@dataclass(frozen=True, slots=True)
class AddressLeftOut:
    """An address cannot be published, and why."""

    service: ServiceKey
    host: str
    address: str
    why: str


@dataclass(frozen=True, slots=True)
class Published:
    """A write was stored; ``latencies`` are seconds since each verdict that it publishes for the first time."""

    change: Write
    latencies: tuple[float, ...] = ()
    version: str = ""
    """Of the object as it is stored now; empty: it was deleted."""
    at: float = 0.0
    """When it was stored, in Unix seconds."""

    @property
    def seconds(self) -> float | None:
        """Since the oldest of these verdicts."""
        return max(self.latencies, default=None)


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """A write failed, or nobody knows whether it was stored; Mooring decides anew."""

    change: Write
    error: ClusterError


@dataclass(frozen=True, slots=True)
class NotPublished:
    """A Service cannot be published now, and why; ``refused``: until somebody changes something."""

    service: ServiceKey
    why: str
    refused: bool


@dataclass(frozen=True, slots=True)
class TrafficWarningFound:
    """A Service is published, and something that is not Mooring's hinders its traffic; ``kind`` is one word."""

    service: ServiceKey
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class SplitBrain:
    """Several hosts of a Service of one primary claim to be it; by their names in the file."""

    service: ServiceKey
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SplitBrainEnded:
    """At most one host of the Service claims to be the primary again."""

    service: ServiceKey


@dataclass(frozen=True, slots=True)
class SessionsKilled:
    """Mooring ended the sessions of these users on a host that says that it is no longer the primary."""

    member: Member
    users: tuple[str, ...]
    count: int
    error: str = ""
    """What hindered that, in whole or in part; empty: nothing."""


@dataclass(frozen=True, slots=True)
class ClockJumped:
    """The wall clock moved against the monotonic one by ``seconds``; Mooring set all schedules anew."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Overrun:
    """A probe was due while the one before had not ended; Mooring left it out."""

    target: Target


@dataclass(frozen=True, slots=True)
class LoginAtRisk:
    """A check of this target passes, and may fail later or hide a fault; reported at once and then each day."""

    target: Target
    message: str
    members: tuple[Member, ...] = ()
    """Those that are judged by it."""


@dataclass(frozen=True, slots=True)
class ConfigReloaded:
    """A changed file is in force; ``hash`` is that of ``Config``, ``at`` Unix seconds."""

    hash: str
    at: float


@dataclass(frozen=True, slots=True)
class ConfigRefused:
    """A changed file is wrong, and the one before stays in force; ``problems`` are those of ``ConfigError``."""

    problems: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class ServiceReleased:
    """The file no longer lists this Service; its object stays as it is stored."""

    service: ServiceKey


@dataclass(frozen=True, slots=True)
class DrainChanged:
    """The Service's annotation now takes out these hosts, by their names in the file; empty: none."""

    service: ServiceKey
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrainEnded:
    """The time for which the Service's annotation took this host out is over; ``host`` is its name in the file."""

    service: ServiceKey
    host: str


@dataclass(frozen=True, slots=True)
class DrainUnknown:
    """An entry of the Service's annotation names none of its hosts; the other entries hold."""

    service: ServiceKey
    entry: str


@dataclass(frozen=True, slots=True)
class LeaderChanged:
    """This Mooring began or ceased to lead, or another leads now; ``holder`` is the leader's identity."""

    leading: bool
    holder: str
    led: bool = False
    """It led until now."""


@dataclass(frozen=True, slots=True)
class LeaseFailed:
    """The Lease cannot be read or written, and why; ``refused``: until somebody changes something. Mooring tries on."""

    why: str
    refused: bool


Event = (
    HostChanged
    | HostUnknown
    | HostKnown
    | HostHeld
    | Probed
    | BlindChanged
    | KeptLast
    | AddressRemoved
    | Repaired
    | AddressLeftOut
    | Published
    | WriteFailed
    | NotPublished
    | TrafficWarningFound
    | SplitBrain
    | SplitBrainEnded
    | SessionsKilled
    | ClockJumped
    | Overrun
    | LoginAtRisk
    | LeaderChanged
    | LeaseFailed
    | LeaseEvent
    | PublishEvent
    | ConfigReloaded
    | ConfigRefused
    | ServiceReleased
    | DrainChanged
    | DrainEnded
    | DrainUnknown
)
