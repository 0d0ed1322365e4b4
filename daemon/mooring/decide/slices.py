"""Endpoints over EndpointSlices: which slices must be written so that they say what is wanted, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mooring.picture import FAMILIES, Endpoint, Picture, Slice, SliceChange, StoredSlice, Wanted, family
from mooring.spec import Port, ServiceKey

MOST = 100
"""Endpoints of one slice, as Kubernetes' own controllers fill them."""


def changes(key: ServiceKey, picture: Picture, wanted: Wanted) -> tuple[SliceChange, ...]:
    """The slices to write, make and, last, delete.

    An endpoint stays in the slice that has it, a new one goes where there is room, and a slice that says what it
    should is not touched: so a host that changes costs one write, and nothing needs to be remembered.
    """
    found = [change for name in FAMILIES for change in _family(key, name, picture, wanted)]
    surplus = [one for one in picture.own if one.slice.family not in FAMILIES]
    found += [SliceChange(key, one, None) for one in surplus]
    return tuple(sorted(found, key=lambda change: change.after is None))


def _family(key: ServiceKey, name: str, picture: Picture, wanted: Wanted) -> Iterator[SliceChange]:
    own = sorted((one for one in picture.own if one.slice.family == name), key=lambda one: one.slice.name)
    held, new = _placed([one for one in wanted.endpoints if family(one.address) == name], own)
    for before, endpoints in zip(own, held, strict=True):
        after = Slice(before.slice.name, name, endpoints, wanted.ports) if endpoints else None
        if after != before.slice:
            yield SliceChange(key, before, after, wanted.evidence)
    names = _free_names(key, name, {one.slice.name for one in picture.slices})
    for start in range(0, len(new), MOST):
        yield SliceChange(key, None, _new(next(names), name, new[start : start + MOST], wanted.ports), wanted.evidence)


def _placed(
    endpoints: Iterable[Endpoint], own: Sequence[StoredSlice]
) -> tuple[list[tuple[Endpoint, ...]], list[Endpoint]]:
    """What each stored slice should hold, and what none of them has room for."""
    left = {one.address: one for one in endpoints}
    staying = [_staying(one.slice, left) for one in own]
    waiting = list(left.values())
    held = []
    for stay in staying:
        room = MOST - len(stay)
        held.append((*stay, *waiting[:room]))
        waiting = waiting[room:]
    return held, waiting


def _staying(of: Slice, left: dict[str, Endpoint]) -> list[Endpoint]:
    """Takes those that the slice has already out of ``left``, in its own order."""
    mine = [one.address for one in of.endpoints if one.address in left]
    return [left.pop(address) for address in dict.fromkeys(mine[:MOST])]


def _new(name: str, of: str, endpoints: Sequence[Endpoint], ports: tuple[Port, ...]) -> Slice:
    return Slice(name, of, tuple(endpoints), ports)


def _free_names(key: ServiceKey, of: str, taken: set[str]) -> Iterator[str]:
    """Names follow from the Service's; with a Service's 63 characters they stay far below the 253 of a slice."""
    stem = f"{key.name}-mooring-{of.lower()}"
    return (name for number in range(len(taken) + 1000) if (name := f"{stem}-{number}") not in taken)
