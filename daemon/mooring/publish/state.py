"""How a Service stands with the cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mooring.judge.result import VerdictChange
from mooring.model.objects import DesiredObjects, StoredObjects
from mooring.model.overrides import Pause
from mooring.plan.admission import Admission
from mooring.plan.drain import NO_DRAIN, Drain
from mooring.plan.overrides import NO_TRUST, Trust
from mooring.plan.repairs import Repairs, Rival
from mooring.plan.traffic_warning import Alarm, TrafficWarning

NO_REPAIRS = Repairs()
NOTHING = StoredObjects()
QUIET = Alarm()


@dataclass(frozen=True, slots=True)
class PublishState:
    """What is stored, and what hinders Mooring from storing more. Times as in ``model``."""

    stored: StoredObjects = NOTHING
    applied_at: float | None = None
    error: str | None = None
    failures: int = 0
    retry_at: float = 0.0
    look_at: float | None = None
    """When, in monotonic seconds, to look again: a change may come then that nobody reports."""
    kept: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    """Addresses that no host has, kept for names that do not resolve."""
    changes: tuple[VerdictChange, ...] = ()
    """The changes of verdicts that the last write took in."""
    awaited: tuple[VerdictChange, ...] = ()
    """Those that are stored, and that the slices which kube-proxy reads have not shown yet."""
    desired: DesiredObjects | None = None
    """What Mooring last stored, or found stored as it should be."""
    repairs: Repairs = NO_REPAIRS
    admissions: tuple[Admission, ...] = ()
    """Objects that an admission step changed while they were written."""
    contested: tuple[Rival, ...] = ()
    """Who changes the Service's objects again and again."""
    made_at: float = 0.0
    """When, in monotonic seconds, Mooring last created the Endpoints: nobody can have mirrored it before."""
    unfit: frozenset[str] = frozenset()
    """Listed addresses of a family that the Service does not have."""
    drain: Drain = NO_DRAIN
    pause: Pause | None = None
    """The pause in force: Mooring writes nothing."""
    trust: Trust = NO_TRUST
    alarm: Alarm = QUIET

    def looking(self, at: float | None) -> PublishState:
        """The same state, to be looked at again at that time at the latest."""
        if at is None or (self.look_at is not None and self.look_at <= at):
            return self
        return replace(self, look_at=at)

    def noting(self, **facts: object) -> PublishState:
        """The same state with these facts; itself where they are known, as in nearly every round."""
        if all(getattr(self, name) == fact for name, fact in facts.items()):
            return self
        return replace(self, **facts)  # type: ignore[arg-type]  # the tests read each of them

    @property
    def warning(self) -> TrafficWarning | None:
        """What Mooring reports to be in the way of traffic; None where an error keeps it from publishing."""
        found = self.alarm.warning if self.alarm.active else None
        return found if found and self.error == found.why else None
