"""What listeners get about the Lease, beside who leads: frozen facts of the past."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeaseHandedOver:
    """This Mooring led and could not work, so it gave the Lease to one that can; ``why`` says what was wrong."""

    to: str
    why: str


@dataclass(frozen=True, slots=True)
class LeaseAbsurd:
    """A Lease says that it lasts for so many seconds; it is believed for ``believed`` of them."""

    holder: str
    seconds: float
    believed: float


@dataclass(frozen=True, slots=True)
class LeaseShared:
    """Another installation uses the same Lease, and how that is seen; ``other`` is the identity of a daemon of it."""

    other: str
    why: str


@dataclass(frozen=True, slots=True)
class ClocksDisagree:
    """By one clock the last renewal is ``seconds`` old, by another it is fresh: no write before the next one."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ObserverFailed:
    """The observer Leases cannot be used, and why; the election goes on without them. They are tried again."""

    why: str


@dataclass(frozen=True, slots=True)
class ObserverSpare:
    """Other daemons hold all observer Leases: this one is not asked what it sees."""

    observers: tuple[str, ...]


LeaseEvent = LeaseHandedOver | LeaseAbsurd | LeaseShared | ClocksDisagree | ObserverFailed | ObserverSpare
