"""EndpointSlices as Kubernetes writes them (API reference, discovery.k8s.io/v1), from and to our values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mooring.cluster.manifest import MANAGED_BY, manager, parsed_ports, written_ports
from mooring.cluster.notes import changed_notes, extras_of, parse_notes, writer_of
from mooring.model.addresses import canonical
from mooring.model.errors import Rejected
from mooring.model.memory import NOTHING, Extras
from mooring.model.moments import rfc3339
from mooring.model.objects import MANAGER, Condition, Endpoint, Slice, SliceWrite, StoredSlice

SERVICE = "kubernetes.io/service-name"
KEEPER = "endpointslice.kubernetes.io/managed-by"
TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
"""kube-proxy measures from this moment how long a change took to reach its rules."""
CONDITIONS: Mapping[Condition, Mapping[str, bool]] = {
    Condition.READY: {"ready": True, "serving": True, "terminating": False},
    Condition.NOT_READY: {"ready": False, "serving": False, "terminating": False},
    Condition.LAST_RESORT: {"ready": False, "serving": True, "terminating": True},
}


def service_of(document: Mapping[str, Any]) -> str:
    """The Service that a slice is of; empty where it is of none."""
    return str((document["metadata"].get("labels") or {}).get(SERVICE) or "")


def parse_slice(document: Mapping[str, Any], version: str) -> StoredSlice:
    """Our value of an EndpointSlice document.

    Raises:
        Rejected: the document is no EndpointSlice.
    """
    try:
        metadata = document["metadata"]
        held = Slice(
            name=str(metadata["name"]),
            family=str(document["addressType"]),
            endpoints=tuple(one for entry in document.get("endpoints") or () for one in _endpoints(entry)),
            ports=parsed_ports(document.get("ports") or ()),
            memory=parse_notes(metadata),
        )
        managed_by = str((metadata.get("labels") or {}).get(KEEPER) or "")
        return StoredSlice(
            version, managed_by, held, manager(metadata, "f:endpoints"), writer_of(metadata), _extras(document)
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Rejected("a stored EndpointSlice is not of the shape of one") from error


def merged_slice(document: Mapping[str, Any], change: SliceWrite, after: Slice) -> dict[str, Any]:
    """The document after the change: our labels, its endpoints and ports; whatever else stood in it stays."""
    patch = slice_patch(change, after)
    metadata = dict(document.get("metadata") or {"name": after.name, "namespace": change.key.namespace})
    for field, entries in patch.pop("metadata").items():
        metadata[field] = {**(metadata.get(field) or {}), **entries}
    kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": after.family}
    return {**kind, **document, "metadata": metadata, **patch}


def slice_patch(change: SliceWrite, after: Slice) -> dict[str, Any]:
    """Our fields of a slice, as a merge patch."""
    metadata: dict[str, Any] = {"labels": {SERVICE: change.key.name, KEEPER: MANAGER, MANAGED_BY: MANAGER}}
    annotations = changed_notes(change.before.slice.memory if change.before else NOTHING, after.memory, change.writer)
    if change.evidence is not None:
        annotations[TRIGGER] = rfc3339(change.evidence, 9)
    if annotations:
        metadata["annotations"] = annotations
    return {
        "metadata": metadata,
        "endpoints": [_written(endpoint, change.extras) for endpoint in after.endpoints],
        "ports": written_ports(after.ports, change.extras),
    }


def _endpoints(entry: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    condition = _condition(entry.get("conditions") or {})
    hints = tuple(str(hint["name"]) for hint in (entry.get("hints") or {}).get("forZones") or ())
    zone = str(entry.get("zone") or "")
    return tuple(Endpoint(canonical(str(address)), condition, zone, hints) for address in entry["addresses"])


def _condition(conditions: Mapping[str, Any]) -> Condition:
    """Where a condition is absent, ready and serving count as true, terminating as false."""
    if conditions.get("ready") is not False:
        return Condition.READY
    last = conditions.get("serving") is not False and conditions.get("terminating") is True
    return Condition.LAST_RESORT if last else Condition.NOT_READY


def _extras(document: Mapping[str, Any]) -> Extras:
    entries = document.get("endpoints") or ()
    listed = ((canonical(str(address)), entry) for entry in entries for address in entry["addresses"])
    return extras_of(listed, document.get("ports") or ())


def _written(endpoint: Endpoint, extras: Extras) -> dict[str, Any]:
    zone = {"zone": endpoint.zone} if endpoint.zone else {}
    hints = {"hints": {"forZones": [{"name": name} for name in endpoint.hints]}} if endpoint.hints else {}
    conditions = dict(CONDITIONS[endpoint.condition])
    theirs = extras.addresses.get(endpoint.address, {})
    return {"addresses": [endpoint.address], "conditions": conditions, **zone, **hints, **theirs}
