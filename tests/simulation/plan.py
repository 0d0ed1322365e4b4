"""All that distinguishes one simulated world from another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ServicePlan:
    """One Service of the file."""

    name: str
    hosts: tuple[str, ...]
    role: str = "any"
    period: float = 2.0
    timeout: float = 1.0
    success: int = 2
    failure: int = 3
    when_all_fail: str = "publishNone"
    maintenance: frozenset[str] = frozenset()
    publish: str = "endpoints"
    named: bool = False
    """The file lists one DNS name, which holds some of ``hosts``, in their stead."""


@dataclass(frozen=True, order=True)
class Step:
    """Something that happens at a moment, and what undoes it ``lasts`` seconds later; both in true seconds."""

    at: float
    kind: str
    who: str
    lasts: float = 0.0
    more: str = ""


@dataclass(frozen=True)
class Plan:
    """All that distinguishes one world from another."""

    seed: int
    seconds: float
    daemons: tuple[str, ...]
    databases: tuple[str, ...]
    services: tuple[ServicePlan, ...]
    steps: tuple[Step, ...]
    rates: tuple[float, ...]
    preempts: float = 0.0
    election: bool = True
    observers: bool = False
    """Whether the replicas vote on silence: ``observers: {agree: majority}`` of each Service."""
    limit: tuple[int, float] | None = None
    """``--max-demotions``: percent, and the window in seconds."""
    rivals: tuple[str, ...] = ()
    """Daemons of a second installation: it has a Lease of its own, and lists ``theirs``."""
    theirs: tuple[ServicePlan, ...] = ()
