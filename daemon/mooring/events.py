"""What listeners (log, status page) are told: frozen facts of the past."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.errors import ClusterError
from mooring.model import HostState, Member, Outcome, Report, Target, Verdict
from mooring.picture import Step
from mooring.spec import ServiceKey


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


@dataclass(frozen=True, slots=True)
class HostUnknown:
    """A host's outcome became unknown, for a reason that it did not have just before."""

    member: Member
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class HostKnown:
    """A host whose outcomes were unknown had a definite one again, and its verdict is what it was."""

    member: Member
    state: HostState


@dataclass(frozen=True, slots=True)
class Probed:
    """One probe ended; only told where somebody debugs."""

    report: Report


@dataclass(frozen=True, slots=True)
class BlindChanged:
    """All ready hosts fell silent at once, or one of them answers again."""

    blind: bool
    targets: int


@dataclass(frozen=True, slots=True)
class KeptLast:
    """Every host of a Service would leave it; the stored ready set stays, by ``whenAllFail: keepLast``."""

    service: ServiceKey
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddressRemoved:
    """An address that the file does not list left the stored object; ``manager`` put it there, where that is known."""

    service: ServiceKey
    address: str
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Repaired:
    """Somebody else had changed or deleted what we had stored, and it is again as it was; ``manager`` as above."""

    service: ServiceKey
    manager: str = ""


@dataclass(frozen=True, slots=True)
class AddressLeftOut:
    """An address that cannot be published, and why."""

    service: ServiceKey
    host: str
    address: str
    why: str


@dataclass(frozen=True, slots=True)
class Published:
    """A write was stored. ``seconds`` passed since the verdict that made it needed, where one did."""

    change: Step
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """A write was tried and not stored, or it is not known whether it was; it will be decided anew."""

    change: Step
    error: ClusterError


@dataclass(frozen=True, slots=True)
class NotPublished:
    """A Service cannot be served now, and why; ``refused``: until somebody changes something."""

    service: ServiceKey
    why: str
    refused: bool


@dataclass(frozen=True, slots=True)
class HazardFound:
    """A Service is published, and something that is not ours is in the way of its traffic; ``kind`` is one word."""

    service: ServiceKey
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class SplitBrain:
    """Several hosts of a Service that has one writer say that they are it; by their names in the file."""

    service: ServiceKey
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SplitBrainEnded:
    """At most one host of the Service says so again."""

    service: ServiceKey


@dataclass(frozen=True, slots=True)
class SessionsKilled:
    """What these users had open on a host that says itself that it is the primary no more was ended."""

    member: Member
    users: tuple[str, ...]
    count: int
    error: str = ""
    """What hindered that, wholly or in part; empty: nothing."""


@dataclass(frozen=True, slots=True)
class ClockJumped:
    """The wall clock moved against the monotonic one by ``seconds``; all schedules were re-anchored."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Overrun:
    """A probe was due while the one before had not ended; it was left out."""

    target: Target


@dataclass(frozen=True, slots=True)
class ConfigReloaded:
    """A changed file was taken up; ``hash`` is that of ``Config``, ``at`` Unix seconds."""

    hash: str
    at: float


@dataclass(frozen=True, slots=True)
class ConfigRefused:
    """A changed file was not taken up, and the one before stays; ``problems`` are those of ``ConfigError``."""

    problems: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class ServiceReleased:
    """The file does not list this Service any more; its object stays as it is stored."""

    service: ServiceKey


@dataclass(frozen=True, slots=True)
class DrainChanged:
    """The Service's annotation now takes these hosts out, by their names in the file; empty: no host any more."""

    service: ServiceKey
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrainUnknown:
    """An entry of the Service's annotation that names none of its hosts; the others hold."""

    service: ServiceKey
    entry: str


@dataclass(frozen=True, slots=True)
class LeaderChanged:
    """This Mooring began to lead or ceased to, or another was seen to lead; ``holder`` is the leader's identity."""

    leading: bool
    holder: str
    led: bool = False
    """It led until now."""


@dataclass(frozen=True, slots=True)
class LeaseFailed:
    """The Lease cannot be read or written, and why; ``refused``: until somebody changes something. It is tried on."""

    why: str
    refused: bool


Event = (
    HostChanged
    | HostUnknown
    | HostKnown
    | Probed
    | BlindChanged
    | KeptLast
    | AddressRemoved
    | Repaired
    | AddressLeftOut
    | Published
    | WriteFailed
    | NotPublished
    | HazardFound
    | SplitBrain
    | SplitBrainEnded
    | SessionsKilled
    | ClockJumped
    | Overrun
    | LeaderChanged
    | LeaseFailed
    | ConfigReloaded
    | ConfigRefused
    | ServiceReleased
    | DrainChanged
    | DrainUnknown
)
