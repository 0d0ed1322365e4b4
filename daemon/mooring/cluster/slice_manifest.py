"""EndpointSlices as Kubernetes writes them (API reference, discovery.k8s.io/v1), from and to our values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mooring.cluster.manifest import MANAGED_BY, canonical, manager, parsed_ports, written_ports
from mooring.errors import Rejected
from mooring.picture import US, Condition, Endpoint, Slice, SliceChange, StoredSlice

SERVICE = "kubernetes.io/service-name"
KEEPER = "endpointslice.kubernetes.io/managed-by"
TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
"""kube-proxy reckons from it how long a change took to reach its rules."""
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
        )
        keeper = str((metadata.get("labels") or {}).get(KEEPER) or "")
        return StoredSlice(version, keeper, held, manager(metadata, "f:endpoints"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Rejected("a stored EndpointSlice is not of the shape of one") from error


def merged_slice(document: Mapping[str, Any], change: SliceChange, after: Slice) -> dict[str, Any]:
    """The document after the change: our labels, its endpoints and ports; whatever else stood in it stays."""
    patch = slice_patch(change, after)
    metadata = dict(document.get("metadata") or {"name": after.name, "namespace": change.key.namespace})
    for field, entries in patch.pop("metadata").items():
        metadata[field] = {**(metadata.get(field) or {}), **entries}
    kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": after.family}
    return {**kind, **document, "metadata": metadata, **patch}


def slice_patch(change: SliceChange, after: Slice) -> dict[str, Any]:
    """What of a slice is ours, as a merge patch of it."""
    metadata: dict[str, Any] = {"labels": {SERVICE: change.key.name, KEEPER: US, MANAGED_BY: US}}
    if change.evidence is not None:
        metadata["annotations"] = {TRIGGER: moment(change.evidence)}
    return {
        "metadata": metadata,
        "endpoints": [_written(endpoint) for endpoint in after.endpoints],
        "ports": written_ports(after.ports),
    }


def moment(at: float) -> str:
    """Unix seconds as RFC 3339 with nanoseconds."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.{int(at % 1 * 1e9):09}Z"


def _endpoints(entry: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    condition = _condition(entry.get("conditions") or {})
    hints = tuple(str(hint["name"]) for hint in (entry.get("hints") or {}).get("forZones") or ())
    zone = str(entry.get("zone") or "")
    return tuple(Endpoint(canonical(str(address)), condition, zone, hints) for address in entry["addresses"])


def _condition(conditions: Mapping[str, Any]) -> Condition:
    """What is not said: ready and serving are to be taken as true, terminating as false."""
    if conditions.get("ready") is not False:
        return Condition.READY
    last = conditions.get("serving") is not False and conditions.get("terminating") is True
    return Condition.LAST_RESORT if last else Condition.NOT_READY


def _written(endpoint: Endpoint) -> dict[str, Any]:
    zone = {"zone": endpoint.zone} if endpoint.zone else {}
    hints = {"hints": {"forZones": [{"name": name} for name in endpoint.hints]}} if endpoint.hints else {}
    return {"addresses": [endpoint.address], "conditions": dict(CONDITIONS[endpoint.condition]), **zone, **hints}
