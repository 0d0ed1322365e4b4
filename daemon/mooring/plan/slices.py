"""The writes that bring the EndpointSlices of a Service to the desired endpoints, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mooring.model.objects import (
    FAMILIES,
    MANAGER,
    DesiredObjects,
    Endpoint,
    Slice,
    SliceWrite,
    StoredObjects,
    StoredSlice,
    family,
)
from mooring.model.spec import ServiceKey

MOST = 100
"""Endpoints of one slice at most, as in Kubernetes' own controllers."""
MOST_LOST = 8


def slice_writes(key: ServiceKey, objects: StoredObjects, desired: DesiredObjects) -> tuple[SliceWrite, ...]:
    """The slices to update, create and, last, delete.

    An endpoint stays in its slice, a new one goes where there is room, and a slice with the desired content stays as it
    is. So one host that changes costs one write, and Mooring keeps no state for this.
    """
    found = [change for name in FAMILIES for change in _family(key, name, objects, desired)]
    surplus = [one for one in objects.own if one.slice.family not in FAMILIES]
    found += [SliceWrite(key, one, None) for one in surplus]
    return tuple(sorted(found, key=lambda change: change.after is None))


def _family(key: ServiceKey, name: str, objects: StoredObjects, desired: DesiredObjects) -> Iterator[SliceWrite]:
    own = sorted((one for one in objects.own if one.slice.family == name), key=lambda one: one.slice.name)
    held, new = _place([one for one in desired.endpoints if family(one.address) == name], own)
    for before, endpoints in zip(own, held, strict=True):
        after = _slice(before.slice.name, name, endpoints, desired) if endpoints else None
        if after != before.slice or before.managed_by != MANAGER:
            yield SliceWrite(key, before, after, desired.evidence)
    if len(_slices_without_label(key, name, objects)) >= MOST_LOST:
        return
    names = _free_names(key, name, {one.slice.name for one in objects.slices})
    for start in range(0, len(new), MOST):
        yield SliceWrite(key, None, _slice(next(names), name, new[start : start + MOST], desired), desired.evidence)


def _place(
    endpoints: Iterable[Endpoint], own: Sequence[StoredSlice]
) -> tuple[list[tuple[Endpoint, ...]], list[Endpoint]]:
    """The endpoints for each stored slice, and those for which no stored slice has room."""
    left = {one.address: one for one in endpoints}
    staying = [_take_staying(one.slice, left) for one in own]
    waiting = list(left.values())
    held = []
    for stay in staying:
        room = MOST - len(stay)
        held.append((*stay, *waiting[:room]))
        waiting = waiting[room:]
    return held, waiting


def _take_staying(of: Slice, left: dict[str, Endpoint]) -> list[Endpoint]:
    """Takes the endpoints that the slice holds already out of ``left``, in the order of the slice."""
    mine = [one.address for one in of.endpoints if one.address in left]
    return [left.pop(address) for address in dict.fromkeys(mine[:MOST])]


def _slice(name: str, of: str, endpoints: Sequence[Endpoint], desired: DesiredObjects) -> Slice:
    memory = desired.memory.only(one.address for one in endpoints)
    return Slice(name, of, tuple(endpoints), desired.ports, memory)


def _slices_without_label(key: ServiceKey, of: str, objects: StoredObjects) -> list[StoredSlice]:
    """Slices with our names, but without our label. Where a cluster strips the label, each round would add a slice."""
    return [one for one in objects.foreign if one.slice.name.startswith(_stem(key, of))]


def _stem(key: ServiceKey, of: str) -> str:
    return f"{key.name}-mooring-{of.lower()}"


def _free_names(key: ServiceKey, of: str, taken: set[str]) -> Iterator[str]:
    """Names from that of the Service: its 63 characters leave them far below the 253 of a slice name."""
    stem = _stem(key, of)
    return (name for number in range(len(taken) + 1000) if (name := f"{stem}-{number}") not in taken)
