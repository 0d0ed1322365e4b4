"""The writes from the stored objects of a Service to the desired ones, in an order without a gap in its traffic.

Traffic follows EndpointSlices. The mirroring controller makes those of an Endpoints, unless a label on the Endpoints
forbids that. So a Service has one source of traffic, our own slices or the mirrored ones:

publish        | source    | way there
---------------+-----------+------------------------------------------------------------------------------------
endpoints      | mirrored  | Endpoints without the label; own slices stay up to date until the mirrored ones hold the
               |           | same, and then Mooring deletes them
both           | own       | own slices, then Endpoints with the label: the mirrored slices go
endpointSlices | own       | own slices, then the Endpoints, where there is one, with the label and without addresses:
               |           | its readers must not get addresses that nobody keeps up to date
"""

from __future__ import annotations

from collections.abc import Iterable

from mooring.model.objects import (
    MANAGER,
    Condition,
    DesiredObjects,
    EndpointsWrite,
    Refusal,
    Slice,
    SliceWrite,
    StoredEndpoints,
    StoredObjects,
    StoredSlice,
    Subset,
    Write,
)
from mooring.model.spec import Adopt, Port, Publish, ServiceKey, ServiceSpec
from mooring.plan.plan import plan, several_ports
from mooring.plan.slices import slice_writes

Served = frozenset[tuple[str, bool, frozenset[Port]]]
"""Addresses, whether they are ready, and their ports."""


def needed_writes(
    spec: ServiceSpec,
    listed: frozenset[str],
    objects: StoredObjects,
    desired: DesiredObjects,
    *,
    mirrored: bool,
    adopted: bool = False,
) -> tuple[Write, ...] | Refusal:
    """The writes in their order, or why Mooring makes none; for the refusals see ``plan``."""
    stored = objects.endpoints
    if stored is None and desired.publish is Publish.SLICES:
        return writes(spec.key, objects, desired, None, mirrored=mirrored)
    theirs = stored is not None and not (stored.adopted or adopted)
    replaced = spec.adopt is Adopt.REPLACE and bool(spec.ports)
    if stored is not None and theirs and not replaced and (refusal := several_ports(stored)):
        return refusal
    label = skip_mirror(desired.publish, stored)
    change = plan(
        spec.key,
        listed,
        spec.adopt,
        stored,
        desired.subsets,
        skip_mirror=label,
        memory=desired.memory,
        adopted=adopted,
    )
    if isinstance(change, Refusal):
        return change
    return writes(spec.key, objects, desired, change, mirrored=mirrored)


def writes(
    key: ServiceKey,
    objects: StoredObjects,
    desired: DesiredObjects,
    endpoints: EndpointsWrite | None,
    *,
    mirrored: bool,
) -> tuple[Write, ...]:
    """The writes in their order; after each one the caller decides the rest anew.

    ``endpoints``: the write of the Endpoints by ``plan``. ``mirrored``: the cluster mirrors Endpoints into slices.
    """
    first = () if endpoints is None else (endpoints,)
    if desired.publish is Publish.ENDPOINTS:
        if not objects.own:
            return first
        if not first and (not mirrored or is_mirrored(objects, desired)):
            return tuple(SliceWrite(key, one, None) for one in objects.own)
        return (*first, *slice_writes(key, objects, desired))
    return _mending_first(objects, (*slice_writes(key, objects, desired), *first))


def skip_mirror(publish: Publish, stored: StoredEndpoints | None) -> bool:
    """Whether the Endpoints should bear the label; a label that somebody else put there stays."""
    if publish is not Publish.ENDPOINTS:
        return True
    return stored is not None and stored.skip_mirror and stored.skip_mirror_by not in {"", MANAGER}


def is_mirrored(objects: StoredObjects, desired: DesiredObjects) -> bool:
    """Whether the mirrored slices hold the desired subsets."""
    return _of_slices(objects.mirrored) == _of_subsets(desired.subsets)


def is_effective(key: ServiceKey, objects: StoredObjects, desired: DesiredObjects) -> bool:
    """Whether the slices that kube-proxy reads hold what is desired; False also where nobody may see them."""
    if objects.hidden:
        return False
    if desired.publish is Publish.ENDPOINTS:
        return is_mirrored(objects, desired)
    return not slice_writes(key, objects, desired)


def _mending_first(objects: StoredObjects, found: tuple[Write, ...]) -> tuple[Write, ...]:
    """Puts the writes first that end a difference between the two objects of a Service."""
    stored = objects.endpoints
    if stored is None or not stored.skip_mirror or not objects.own:
        return found
    differ = _of_slices(objects.own) ^ _of_subsets(stored.subsets)
    return tuple(sorted(found, key=lambda write: differ.isdisjoint(_served_change(write))))


def _served_change(write: Write) -> Served:
    if isinstance(write, EndpointsWrite):
        return _of_subsets(write.before.subsets if write.before else ()) ^ _of_subsets(write.subsets)
    before = _of_slice(write.before.slice) if write.before else frozenset()
    return before ^ (_of_slice(write.after) if write.after else frozenset())


def _of_slices(slices: Iterable[StoredSlice]) -> Served:
    return frozenset[tuple[str, bool, frozenset[Port]]]().union(*(_of_slice(one.slice) for one in slices))


def _of_slice(of: Slice) -> Served:
    ports = frozenset(of.ports)
    return frozenset((one.address, one.condition is Condition.READY, ports) for one in of.endpoints)


def _of_subsets(subsets: Iterable[Subset]) -> Served:
    return frozenset(
        (address, ready, frozenset(subset.ports))
        for subset in subsets
        for ready, listed in ((True, subset.ready), (False, subset.not_ready))
        for address in listed
    )
