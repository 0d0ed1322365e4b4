"""Warnings where a published Service does not get its traffic for a cause that Mooring must not remove."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mooring.model.objects import DesiredObjects, StoredObjects, StoredSlice
from mooring.model.spec import Publish
from mooring.plan.writes import is_mirrored

GRACE_SECONDS = 10.0
"""How long another controller may take before Mooring warns."""
_MOST_NAMED = 8


class WarningKind(enum.StrEnum):
    """Each value is the reason of an Event."""

    NOT_MIRRORED = "NotMirrored"
    STILL_MIRRORED = "StillMirrored"
    FOREIGN_SLICES = "ForeignSlices"


@dataclass(frozen=True, slots=True)
class TrafficWarning:
    """``why`` is a sentence for people; ``patient``: the state is normal for ``GRACE_SECONDS``."""

    kind: WarningKind
    why: str
    patient: bool


def find_warning(objects: StoredObjects, desired: DesiredObjects) -> TrafficWarning | None:
    """The warning for a Service whose own objects need no write."""
    if objects.hidden:
        return None
    if foreign := [one for one in objects.foreign if one.slice.endpoints]:
        keepers = ", ".join(sorted({one.managed_by or "nobody" for one in foreign}))
        names = _list_names(foreign)
        why = f"traffic goes also to EndpointSlices that Mooring does not keep: {names} (kept by {keepers})"
        return TrafficWarning(
            WarningKind.FOREIGN_SLICES, f"{why}. If a former selector left them, delete them", patient=False
        )
    if desired.publish is Publish.ENDPOINTS:
        return None if is_mirrored(objects, desired) else _not_mirrored(objects)
    if held := [one for one in objects.mirrored if one.slice.endpoints]:
        why = f"EndpointSlices mirrored from the Endpoints are still there: {_list_names(held)}. Nobody deletes them: "
        return TrafficWarning(
            WarningKind.STILL_MIRRORED, why + "delete them, or run the mirroring controller", patient=True
        )
    return None


def _not_mirrored(objects: StoredObjects) -> TrafficWarning:
    stored = objects.endpoints
    if stored is not None and stored.skip_mirror:
        why = f"{stored.skip_mirror_by} put the label skip-mirror on the Endpoints, so no traffic follows it"
        return TrafficWarning(
            WarningKind.NOT_MIRRORED, f"{why}; remove it, or set publish: endpointSlices", patient=True
        )
    why = "no EndpointSlice mirrors the present Endpoints, so no traffic follows it: "
    more = "is the mirroring controller of this cluster running? publish: endpointSlices needs none"
    return TrafficWarning(WarningKind.NOT_MIRRORED, why + more, patient=True)


def _list_names(slices: list[StoredSlice]) -> str:
    names = sorted(one.slice.name for one in slices)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


@dataclass(frozen=True, slots=True)
class Alarm:
    """A warning first seen at ``since``, in monotonic seconds; ``active`` once it has lasted long enough."""

    warning: TrafficWarning | None = None
    since: float = 0.0
    active: bool = False

    @property
    def look_at(self) -> float | None:
        """When the warning becomes active, in monotonic seconds; None: it is active, or there is none."""
        return None if self.warning is None or self.active else self.since + GRACE_SECONDS


def update_alarm(before: Alarm, found: TrafficWarning | None, now: float, made_at: float = 0.0) -> Alarm:
    """The alarm after another look; ``made_at``: when Mooring created the object that others should mirror."""
    if found is None:
        return Alarm()
    same = before.warning is not None and before.warning.kind is found.kind
    since = max(before.since, made_at) if same else now
    return Alarm(found, since, active=not found.patient or now >= since + GRACE_SECONDS)
