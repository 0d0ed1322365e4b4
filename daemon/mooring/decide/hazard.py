"""What stands between a Service that is published and its traffic, and is not ours to remove."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mooring.decide.steps import is_mirrored
from mooring.picture import Picture, StoredSlice, Wanted
from mooring.spec import Publish

GRACE_SECONDS = 10.0
"""What another controller may take until it is said that it does nothing."""
_NAMED = 8


class Kind(enum.StrEnum):
    """In the words of an Event's reason."""

    NOT_MIRRORED = "NotMirrored"
    STILL_MIRRORED = "StillMirrored"
    FOREIGN_SLICES = "ForeignSlices"


@dataclass(frozen=True, slots=True)
class Hazard:
    """``why`` is a sentence for people; ``patient``: it is normal for a moment."""

    kind: Kind
    why: str
    patient: bool


def hazard(picture: Picture, wanted: Wanted) -> Hazard | None:
    """What is wrong with the slices of a Service in whose own objects nothing is left to write."""
    if picture.hidden:
        return None
    if foreign := [one for one in picture.foreign if one.slice.endpoints]:
        keepers = ", ".join(sorted({one.keeper or "nobody" for one in foreign}))
        why = f"traffic goes also to EndpointSlices that Mooring does not keep: {_named(foreign)} (kept by {keepers})"
        return Hazard(Kind.FOREIGN_SLICES, f"{why}. If a former selector left them, delete them", patient=False)
    if wanted.publish is Publish.ENDPOINTS:
        return None if is_mirrored(picture, wanted) else _not_mirrored(picture)
    if held := [one for one in picture.mirrored if one.slice.endpoints]:
        why = f"EndpointSlices mirrored from the Endpoints are still there: {_named(held)}. Nobody deletes them: "
        return Hazard(Kind.STILL_MIRRORED, why + "delete them, or run the mirroring controller", patient=True)
    return None


def _not_mirrored(picture: Picture) -> Hazard:
    stored = picture.endpoints
    if stored is not None and stored.unmirrored:
        why = f"{stored.unmirrored_by} put the label skip-mirror on the Endpoints, so it reaches nobody"
        return Hazard(Kind.NOT_MIRRORED, f"{why}; remove it, or set publish: endpointSlices", patient=True)
    why = "no EndpointSlice mirrors the Endpoints as it is now, so what it says reaches nobody: "
    more = "is the mirroring controller of this cluster running? publish: endpointSlices does without"
    return Hazard(Kind.NOT_MIRRORED, why + more, patient=True)


def _named(slices: list[StoredSlice]) -> str:
    names = sorted(one.slice.name for one in slices)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


@dataclass(frozen=True, slots=True)
class Alarm:
    """A hazard that was seen first at ``since``, in monotonic seconds; ``rings`` when it has lasted long enough."""

    hazard: Hazard | None = None
    since: float = 0.0
    rings: bool = False


def alarm(before: Alarm, found: Hazard | None, now: float) -> Alarm:
    """The alarm after another look."""
    if found is None:
        return Alarm()
    same = before.hazard is not None and before.hazard.kind is found.kind
    since = before.since if same else now
    return Alarm(found, since, rings=not found.patient or now - since >= GRACE_SECONDS)
