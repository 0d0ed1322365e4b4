"""Endpoints and Services as Kubernetes writes them (API reference, core/v1), from and to our values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mooring.decide import addresses, drain
from mooring.errors import Rejected
from mooring.model import Change, ServiceFacts, ServicePort, Stored, Subset
from mooring.picture import US
from mooring.spec import Port, ServiceKey

MANAGED_BY = "app.kubernetes.io/managed-by"
UNMIRRORED = "endpointslice.kubernetes.io/skip-mirror"
"""On an Endpoints: it is not to be copied into EndpointSlices."""


def parse(key: ServiceKey, document: Mapping[str, Any], version: str) -> Stored:
    """Our value of an Endpoints document; absent and null lists are empty.

    Raises:
        Rejected: the document is no Endpoints of this name.
    """
    try:
        metadata = document.get("metadata") or {}
        named = (document.get("kind"), metadata.get("namespace", key.namespace), metadata.get("name"))
        held = tuple(_subset(subset) for subset in document.get("subsets") or ())
        labels = metadata.get("labels") or {}
        stored = Stored(
            key=key,
            version=version,
            managed=labels.get(MANAGED_BY) == US,
            subsets=held,
            manager=manager(metadata, "f:subsets"),
            unmirrored=labels.get(UNMIRRORED) == "true",
            unmirrored_by=manager(metadata, "f:metadata", "f:labels", f"f:{UNMIRRORED}"),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise Rejected(f"the stored object of {key} is not of the shape of an Endpoints") from error
    if named != ("Endpoints", key.namespace, key.name):
        raise Rejected(f"the stored object of {key} is {named[0]} {named[1]}/{named[2]}, not its Endpoints")
    return stored


def merged(document: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """The document after the change: our label and all subsets; whatever else stood in it stays."""
    metadata = dict(document.get("metadata") or {"name": change.key.name, "namespace": change.key.namespace})
    named = {**(metadata.get("labels") or {}), **labels(change)}
    metadata["labels"] = {name: value for name, value in named.items() if value is not None}
    after = {"apiVersion": "v1", "kind": "Endpoints", **document, "metadata": metadata}
    after.pop("subsets", None)
    if change.subsets:
        after["subsets"] = subsets(change)
    return after


def labels(change: Change) -> dict[str, str | None]:
    """Our labels; None where one is to be taken away."""
    was = change.before is not None and change.before.unmirrored
    mark = {UNMIRRORED: "true" if change.unmirrored else None} if was != change.unmirrored else {}
    return {MANAGED_BY: US, **mark}


def subsets(change: Change) -> list[dict[str, Any]]:
    """The subsets of the change as Kubernetes writes them, empty lists left out."""
    return [_written(subset) for subset in change.subsets]


def facts(service: Mapping[str, Any]) -> ServiceFacts:
    """What a Service document says of itself."""
    spec, metadata = service.get("spec") or {}, service.get("metadata") or {}
    owners = [owner for owner in metadata.get("ownerReferences") or () if owner.get("controller")]
    ports = spec.get("ports") or ()
    return ServiceFacts(
        ports=tuple(
            ServicePort(port.get("name") or "", port["port"], port.get("targetPort"), port.get("protocol") or "TCP")
            for port in ports
        ),
        type=spec.get("type") or "ClusterIP",
        selector=bool(spec.get("selector")),
        owner=f"{owners[0]['kind']}/{owners[0]['name']}" if owners else "",
        families=tuple(spec.get("ipFamilies") or ("IPv4",)),
        drain=drain.entries(str((metadata.get("annotations") or {}).get(drain.ANNOTATION) or "")),
    )


def _subset(subset: Mapping[str, Any]) -> Subset:
    return Subset(
        ready=_addresses(subset, "addresses"),
        not_ready=_addresses(subset, "notReadyAddresses"),
        ports=parsed_ports(subset.get("ports") or ()),
    )


def parsed_ports(ports: Iterable[Mapping[str, Any]]) -> tuple[Port, ...]:
    return tuple(
        Port(str(port.get("name") or ""), int(port["port"]), str(port.get("protocol") or "TCP")) for port in ports
    )


def written_ports(ports: Iterable[Port]) -> list[dict[str, Any]]:
    return [
        ({"name": port.name} if port.name else {}) | {"port": port.port, "protocol": port.protocol} for port in ports
    ]


def _addresses(subset: Mapping[str, Any], field: str) -> tuple[str, ...]:
    return tuple(canonical(str(address["ip"])) for address in subset.get(field) or ())


def canonical(ip: str) -> str:
    """As the file's addresses are held; somebody else may write fd00:0::B for fd00::b."""
    address = addresses.parse(ip)
    return ip if address is None else str(address)


def manager(metadata: Mapping[str, Any], *fields: str) -> str:
    """Of those who own a field, the last who wrote (API concepts, "Field management")."""
    owners = [
        (str(entry.get("time") or ""), str(entry.get("manager") or ""))
        for entry in metadata.get("managedFields") or ()
        if _owns(entry.get("fieldsV1") or {}, fields)
    ]
    return max(owners, default=("", ""))[1]


def _owns(owned: Mapping[str, Any], fields: Iterable[str]) -> bool:
    for field in fields:
        if field not in owned:
            return False
        owned = owned[field] or {}
    return True


def _written(subset: Subset) -> dict[str, Any]:
    lists = {
        "addresses": [{"ip": address} for address in subset.ready],
        "notReadyAddresses": [{"ip": address} for address in subset.not_ready],
        "ports": written_ports(subset.ports),
    }
    return {field: entries for field, entries in lists.items() if entries}
