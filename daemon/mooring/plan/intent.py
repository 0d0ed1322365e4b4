"""Decides the desired objects of one Service, from its hosts and its stored objects."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mooring.model.memory import LITERAL, NOTHING, Memory
from mooring.model.objects import DesiredObjects, PublishTarget, StoredObjects
from mooring.model.spec import Publish, Role, ServiceSpec
from mooring.plan.desired import endpoints_subsets, slice_endpoints
from mooring.plan.select import Selection, View, hold, select, with_last_resort, without


@dataclass(frozen=True, slots=True)
class Decision:
    """``listed`` are all addresses of the hosts in the file, names resolved."""

    selection: Selection
    desired: DesiredObjects
    listed: frozenset[str]


def decide(
    spec: ServiceSpec,
    view: View,
    objects: StoredObjects,
    serving: PublishTarget,
    unfit: frozenset[str],
    *,
    waiting: frozenset[str] = frozenset(),
    evidence: float | None = None,
    notes: Memory = NOTHING,
) -> Decision:
    """The selection and the desired objects.

    ``unfit``: addresses that the Service cannot publish. ``waiting``: names of hosts in use without an address yet.
    ``notes``: what Mooring stores beside the addresses.
    """
    chosen = select(view, objects, spec.when_all_fail, spec.min_ready)
    chosen = with_last_resort(chosen, view, spec.last_resort, objects.last_resort)
    single = spec.check.requirement.role is Role.PRIMARY
    chosen = without(hold(chosen, objects, waiting, single=single), unfit)
    zones = {address: member.host.zone for member, _ in view for address in member.addresses if member.host.zone}
    desired = DesiredObjects(
        publish=spec.publish,
        subsets=() if spec.publish is Publish.SLICES else endpoints_subsets(chosen, serving.ports),
        endpoints=slice_endpoints(chosen, zones),
        ports=serving.ports,
        memory=replace(notes, hosts=_sources(chosen, view, objects)),
        evidence=evidence,
    )
    return Decision(chosen, desired, frozenset(address for member, _ in view for address in member.addresses))


def _sources(chosen: Selection, view: View, objects: StoredObjects) -> tuple[tuple[str, str], ...]:
    """The source of each address; of a held one, the source that the object notes."""
    held = objects.memory.only(chosen.held).hosts if chosen.held else ()
    listed = {address: LITERAL for member, _ in view for address in member.addresses}
    listed |= {member.address: member.dns_name for member, _ in view}
    return tuple(sorted((listed | dict(held)).items()))
