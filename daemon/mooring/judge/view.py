"""One Service as a frozen value, for all readers outside this room."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.judge.leaving import Leaving
from mooring.judge.result import VerdictChange
from mooring.judge.service import ServiceHealth
from mooring.judge.trial import Trial
from mooring.model.spec import HostSpec, Port, ServiceSpec
from mooring.model.targets import Member
from mooring.model.verdicts import HostState

View = tuple[tuple[Member, HostState], ...]


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One Service at one moment; all fields belong together."""

    spec: ServiceSpec
    hosts: View
    unresolved: tuple[HostSpec, ...]
    """Listed hosts without an address now."""
    seeded: bool
    split: bool = False
    """Several hosts claim to be its one primary."""
    waiting: tuple[HostSpec, ...] = ()
    """Hosts whose addresses are unknown: no lookup of their name has succeeded yet, or their port is unknown."""
    name_problems: tuple[tuple[str, str], ...] = ()
    """Names without an address, and why."""
    changes: tuple[VerdictChange, ...] = ()
    """The latest changes of verdicts, at most ``MOST_CHANGES``, the latest last; empty before the first."""
    leaving: View = ()
    """Hosts that the file no longer lists, and that stay for a moment."""
    pending: tuple[Port, ...] = ()
    """New ports that Mooring publishes once a host has answered there."""
    leaving_until: float | None = None
    """When the first of ``leaving`` must leave, in monotonic seconds."""

    @property
    def changed_at(self) -> float | None:
        """When a verdict last changed, in monotonic seconds."""
        return self.changes[-1].changed_at if self.changes else None

    @property
    def evidence(self) -> float | None:
        """When the first evidence of the last change came, in Unix seconds."""
        return self.changes[-1].evidence if self.changes else None


def view_of(health: ServiceHealth, leaving: Leaving | None, trial: Trial | None) -> ServiceView:
    """The view of the Service at this moment."""
    staying = leaving.staying(health) if leaving else ()
    return ServiceView(
        health.spec,
        tuple((tracker.member, tracker.state) for tracker in health.trackers.values()),
        health.unresolved,
        health.seeded,
        split=bool(health.contest.split),
        waiting=health.waiting,
        name_problems=health.name_problems,
        changes=health.changes,
        leaving=tuple((tracker.member, tracker.state) for tracker in staying),
        pending=trial.spec.ports if trial else (),
        leaving_until=leaving.until(health) if leaving else None,
    )
