"""How a Service stands with the cluster."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.decide.drain import NOBODY, Drain
from mooring.decide.hazard import Alarm, Hazard
from mooring.decide.repair import Repairs
from mooring.picture import Picture, Wanted

NO_REPAIRS = Repairs()
NOTHING = Picture()
QUIET = Alarm()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored, and what hinders us. Times as in ``model``."""

    stored: Picture = NOTHING
    applied_at: float | None = None
    error: str | None = None
    failures: int = 0
    retry_at: float = 0.0
    kept: tuple[str, ...] = ()
    changed_at: float | None = None
    """The change of a verdict that was last published."""
    desired: Wanted | None = None
    """What we last stored, or found stored as it should be."""
    repairs: Repairs = NO_REPAIRS
    unfit: frozenset[str] = frozenset()
    """Listed addresses of a family that the Service does not have."""
    drain: Drain = NOBODY
    alarm: Alarm = QUIET

    @property
    def hazard(self) -> Hazard | None:
        """What is told to be in the way of traffic, unless something hinders us to publish at all."""
        found = self.alarm.hazard if self.alarm.rings else None
        return found if found and self.error == found.why else None
