"""Repairs of foreign edits: Mooring repairs each one for as long as they go on, with a pause between repairs.

who changed the object           | Mooring repairs it
---------------------------------+------------------------------------------------------------
the object is missing            | at once; after that at most once in ``FLOOR_SECONDS``
another manager                  | at once; after that at most once in ``FLOOR_SECONDS``
another Mooring                  | the same, and at most three times a minute for each Mooring
an admission step, at our write  | never: that is no edit, see ``plan.admission``

A repair without an answer counts, as it may have been made. Where the object still has its version, it was not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FLOOR_SECONDS = 2.0
MOST_OF_A_MOORING, WITHIN_SECONDS = 3, 60.0
REMEMBERED_SECONDS = 600.0
"""Mooring forgets a rival whose last edit is older."""
MOST_RIVALS = 16
MOST_OBJECTS = 128
"""Endpoints and slices of one Service; a slice has up to 100 addresses."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A foreign edit. ``name`` is that of the object. ``rival`` is its manager, or the identity of another Mooring.

    ``rival`` is None where the object is missing; ``version`` is empty then.
    """

    name: str
    rival: str | None
    mooring: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class Repair:
    """The last repair of an object, in monotonic seconds."""

    at: float
    unheard: str = ""
    """The version of the object that it repaired, where the result is not known."""


@dataclass(frozen=True, slots=True)
class Rival:
    """The author of repaired edits; ``times``: its last repairs, at most three, in monotonic seconds."""

    name: str
    mooring: bool
    times: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Repairs:
    """Recent repairs of the objects of a Service: ``made``, the last one of each object; ``rivals``, the authors."""

    made: tuple[tuple[str, Repair], ...] = ()
    rivals: tuple[Rival, ...] = ()


def note_repair(repairs: Repairs, edit: Edit, now: float, *, heard: bool = True) -> Repairs:
    """Adds a repair; forgets old ones, and the oldest of too many. ``heard``: its result is known."""
    repairs = _without_unmade(repairs, edit)
    kept = {name: one for name, one in repairs.made if one.at > now - REMEMBERED_SECONDS and name != edit.name}
    made = kept | {edit.name: Repair(now, "" if heard else edit.version)}
    rivals = [one for one in repairs.rivals if one.times and one.times[-1] > now - REMEMBERED_SECONDS]
    if edit.rival is not None:
        before = next((one for one in rivals if _is_of(one, edit)), Rival(edit.rival, edit.mooring, ()))
        rivals = [one for one in rivals if not _is_of(one, edit)]
        rivals.append(replace(before, times=(*before.times, now)[-MOST_OF_A_MOORING:]))
    return Repairs(tuple(made.items())[-MOST_OBJECTS:], tuple(rivals[-MOST_RIVALS:]))


def repair_at(repairs: Repairs, edit: Edit, now: float) -> float | None:
    """When Mooring may make the repair, in monotonic seconds; None: now."""
    repairs = _without_unmade(repairs, edit)
    last = dict(repairs.made).get(edit.name)
    floor = last.at + FLOOR_SECONDS if last else now
    times = next((one.times for one in repairs.rivals if edit.mooring and _is_of(one, edit)), ())
    rest = times[0] + WITHIN_SECONDS if len(times) >= MOST_OF_A_MOORING else now
    at = max(floor, rest)
    return at if at > now else None


def _without_unmade(repairs: Repairs, edit: Edit) -> Repairs:
    """The repairs without the last one of the object where that was not made: the very same edit is there still."""
    unmade = dict(repairs.made).get(edit.name)
    if unmade is None or not unmade.unheard or unmade.unheard != edit.version:
        return repairs
    made = tuple(one for one in repairs.made if one[0] != edit.name)
    rivals = (
        replace(one, times=tuple(at for at in one.times if at != unmade.at)) if _is_of(one, edit) else one
        for one in repairs.rivals
    )
    return Repairs(made, tuple(rivals))


def contesting_rivals(repairs: Repairs, now: float) -> tuple[Rival, ...]:
    """The rivals with more than one recent edit."""
    return tuple(one for one in repairs.rivals if len(one.times) > 1 and one.times[-1] > now - REMEMBERED_SECONDS)


def _is_of(rival: Rival, edit: Edit) -> bool:
    return (rival.name, rival.mooring) == (edit.rival, edit.mooring)
