"""Admission steps of the API server: what they change of a write is no foreign edit.

the step changes          | Mooring
--------------------------+------------------------------------------------------------------------
nothing                   | has nothing to do
labels, annotations, …    | reports it once, and does not write again: traffic goes where it should
addresses or ports        | reports it once, and writes again after 2, 4 … 60 s
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mooring.model.backoff import doubled
from mooring.model.objects import (
    MANAGER,
    EndpointsWrite,
    Slice,
    SliceWrite,
    StoredEndpoints,
    StoredSlice,
    Write,
)
from mooring.plan.plan import content

FIRST_SECONDS, LAST_SECONDS = 2.0, 60.0
MOST_ADMISSIONS = 128
"""Objects of one Service with an admission that Mooring remembers."""
ADDRESSES, LABELS, ANNOTATIONS, REST = "addresses or ports", "labels", "annotations", "zones or hints"
Stored = StoredEndpoints | StoredSlice


@dataclass(frozen=True, slots=True)
class Admission:
    """An object that the API server stored otherwise than Mooring wrote it."""

    name: str
    wanted: object
    result: Stored
    changed: frozenset[str]
    """The changed parts of the write, in words for people."""
    tries: int = 1
    retry_at: float | None = None
    """When to write again, in monotonic seconds; None: never."""


def object_name(write: Write) -> str:
    """The name of the object within its Service; empty for the Endpoints."""
    if isinstance(write, EndpointsWrite):
        return ""
    found = write.after or (write.before.slice if write.before else None)
    return found.name if found else ""


def changed_by_server(write: Write, stored: Stored | None) -> frozenset[str]:
    """The parts of the write that the stored object lacks."""
    if isinstance(write, EndpointsWrite) and isinstance(stored, StoredEndpoints):
        return _of_endpoints(write, stored)
    if isinstance(write, SliceWrite) and isinstance(stored, StoredSlice) and write.after is not None:
        return _of_slice(write.after, stored)
    return frozenset()


def note_admission(
    known: Iterable[Admission], write: Write, stored: Stored | None, now: float
) -> tuple[tuple[Admission, ...], frozenset[str]]:
    """The admissions after a write, and the changed parts that are new."""
    name, changed = object_name(write), changed_by_server(write, stored)
    before = next((one for one in known if one.name == name), None)
    others = tuple(one for one in known if one.name != name)
    if not changed or stored is None:
        return others, frozenset()
    same = before is not None and before.wanted == _content(write)
    tries = before.tries + 1 if before is not None and same else 1
    pause = doubled(FIRST_SECONDS, LAST_SECONDS, tries)
    retry_at = now + pause if ADDRESSES in changed else None
    found = Admission(name, _content(write), _without_version(stored), changed, tries, retry_at)
    return (*others, found)[-MOST_ADMISSIONS:], changed - (before.changed if before else frozenset())


def find_admission(known: Iterable[Admission], write: Write) -> Admission | None:
    """The admission of this very write, if the stored object is still its result; None: it was edited since."""
    before, wanted = write.before, _content(write)
    if before is None:
        return None
    found = _without_version(before)
    name = object_name(write)
    return next((one for one in known if one.name == name and one.wanted == wanted and one.result == found), None)


def _content(write: Write) -> object:
    return (write.subsets, write.skip_mirror, write.memory) if isinstance(write, EndpointsWrite) else write.after


def _without_version(stored: Stored) -> Stored:
    return replace(stored, version="", manager="", writer="")


def _of_endpoints(write: EndpointsWrite, stored: StoredEndpoints) -> frozenset[str]:
    found = {
        LABELS: not stored.managed or stored.skip_mirror != write.skip_mirror,
        ANNOTATIONS: stored.memory != write.memory,
        ADDRESSES: content(stored.subsets) != content(write.subsets),
    }
    return frozenset(name for name, differs in found.items() if differs)


def _of_slice(after: Slice, stored: StoredSlice) -> frozenset[str]:
    found = {
        LABELS: stored.managed_by != MANAGER,
        ANNOTATIONS: stored.slice.memory != after.memory,
        ADDRESSES: _traffic(stored.slice) != _traffic(after),
        REST: [(one.zone, one.hints) for one in stored.slice.endpoints]
        != [(one.zone, one.hints) for one in after.endpoints],
    }
    return frozenset(name for name, differs in found.items() if differs)


def _traffic(of: Slice) -> object:
    return {(one.address, one.condition) for one in of.endpoints}, frozenset(of.ports)
