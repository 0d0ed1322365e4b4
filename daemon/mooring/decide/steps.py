"""From what is stored of a Service to what should be, one object after the other, without a gap in its traffic.

Traffic follows EndpointSlices. Those of an Endpoints are made by the mirroring controller, unless the Endpoints bears
a label that forbids it; so a Service has one source of traffic, ours or the mirrored ones:

publish        | source    | way there
---------------+-----------+------------------------------------------------------------------------------------
endpoints      | mirrored  | Endpoints without the label; own slices tell the truth until the mirrored ones say the
               |           | same, and are deleted then
both           | own       | own slices, then Endpoints with the label: the mirrored slices go
endpointSlices | own       | own slices, then the Endpoints, where there is one, with the label and without addresses:
               |           | whoever reads it must not be told something that nobody keeps
"""

from __future__ import annotations

from collections.abc import Iterable

from mooring.decide.plan import Refusal, plan
from mooring.decide.slices import changes
from mooring.model import Change, Stored, Subset
from mooring.picture import US, Condition, Picture, Slice, SliceChange, Step, StoredSlice, Wanted
from mooring.spec import Port, Publish, ServiceKey, ServiceSpec

Said = frozenset[tuple[str, bool, frozenset[Port]]]
"""Addresses, whether they are ready, and their ports."""


def needed(
    spec: ServiceSpec, listed: frozenset[str], picture: Picture, wanted: Wanted, *, mirrored: bool
) -> tuple[Step, ...] | Refusal:
    """The writes that are needed, in their order, or why none may be made; see ``steps`` and ``plan``."""
    stored = picture.endpoints
    if stored is None and wanted.publish is Publish.SLICES:
        return steps(spec.key, picture, wanted, None, mirrored=mirrored)
    label = unmirrored(wanted.publish, stored)
    change = plan(spec.key, listed, spec.adopt, stored, wanted.subsets, unmirrored=label)
    if isinstance(change, Refusal):
        return change
    return steps(spec.key, picture, wanted, change, mirrored=mirrored)


def steps(
    key: ServiceKey, picture: Picture, wanted: Wanted, endpoints: Change | None, *, mirrored: bool
) -> tuple[Step, ...]:
    """The writes that are needed, in their order; after each one the rest is to be decided anew.

    ``endpoints`` is the write of the Endpoints that ``plan`` asks for, ``mirrored``: somebody is to copy Endpoints.
    """
    first = () if endpoints is None else (endpoints,)
    if wanted.publish is Publish.ENDPOINTS:
        if not picture.own:
            return first
        if not first and (not mirrored or is_mirrored(picture, wanted)):
            return tuple(SliceChange(key, one, None) for one in picture.own)
        return (*first, *changes(key, picture, wanted))
    return _mending_first(picture, (*changes(key, picture, wanted), *first))


def unmirrored(publish: Publish, stored: Stored | None) -> bool:
    """Whether the Endpoints should bear the label; where somebody else put it there, it is theirs."""
    if publish is not Publish.ENDPOINTS:
        return True
    return stored is not None and stored.unmirrored and stored.unmirrored_by not in {"", US}


def is_mirrored(picture: Picture, wanted: Wanted) -> bool:
    """The mirrored slices say what the Endpoints should."""
    return _of_slices(picture.mirrored) == _of_subsets(wanted.subsets)


def _mending_first(picture: Picture, found: tuple[Step, ...]) -> tuple[Step, ...]:
    """What the two objects of a Service say differently is put right before they say anything new."""
    stored = picture.endpoints
    if stored is None or not stored.unmirrored or not picture.own:
        return found
    differ = _of_slices(picture.own) ^ _of_subsets(stored.subsets)
    return tuple(sorted(found, key=lambda step: differ.isdisjoint(_changed(step))))


def _changed(step: Step) -> Said:
    if isinstance(step, Change):
        return _of_subsets(step.before.subsets if step.before else ()) ^ _of_subsets(step.subsets)
    before = _of_slice(step.before.slice) if step.before else frozenset()
    return before ^ (_of_slice(step.after) if step.after else frozenset())


def _of_slices(slices: Iterable[StoredSlice]) -> Said:
    return frozenset[tuple[str, bool, frozenset[Port]]]().union(*(_of_slice(one.slice) for one in slices))


def _of_slice(of: Slice) -> Said:
    ports = frozenset(of.ports)
    return frozenset((one.address, one.condition is Condition.READY, ports) for one in of.endpoints)


def _of_subsets(subsets: Iterable[Subset]) -> Said:
    return frozenset(
        (address, ready, frozenset(subset.ports))
        for subset in subsets
        for ready, listed in ((True, subset.ready), (False, subset.not_ready))
        for address in listed
    )
