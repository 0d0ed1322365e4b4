"""Endpoints and Services as Kubernetes writes them (API reference, core/v1), from and to our values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mooring.decide import addresses, drain
from mooring.errors import Rejected
from mooring.model import Change, Port, ServiceFacts, ServiceKey, ServicePort, Stored, Subset

MANAGED_BY = "app.kubernetes.io/managed-by"
US = "mooring"


def parse(key: ServiceKey, document: Mapping[str, Any], version: str) -> Stored:
    """Our value of an Endpoints document; absent and null lists are empty.

    Raises:
        Rejected: the document is no Endpoints of this name.
    """
    try:
        metadata = document.get("metadata") or {}
        named = (document.get("kind"), metadata.get("namespace", key.namespace), metadata.get("name"))
        held = tuple(_subset(subset) for subset in document.get("subsets") or ())
        managed = (metadata.get("labels") or {}).get(MANAGED_BY) == US
        manager = _manager(metadata)
    except (AttributeError, KeyError, TypeError) as error:
        raise Rejected(f"the stored object of {key} is not of the shape of an Endpoints") from error
    if named != ("Endpoints", key.namespace, key.name):
        raise Rejected(f"the stored object of {key} is {named[0]} {named[1]}/{named[2]}, not its Endpoints")
    return Stored(key=key, version=version, managed=managed, subsets=held, manager=manager)


def merged(document: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """The document after the change: our label and all subsets; whatever else stood in it stays."""
    metadata = dict(document.get("metadata") or {"name": change.key.name, "namespace": change.key.namespace})
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: US}
    after = {"apiVersion": "v1", "kind": "Endpoints", **document, "metadata": metadata}
    after.pop("subsets", None)
    if change.subsets:
        after["subsets"] = subsets(change)
    return after


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
        ports=tuple(
            Port(str(port.get("name") or ""), int(port["port"]), str(port.get("protocol") or "TCP"))
            for port in subset.get("ports") or ()
        ),
    )


def _addresses(subset: Mapping[str, Any], field: str) -> tuple[str, ...]:
    return tuple(_canonical(str(address["ip"])) for address in subset.get(field) or ())


def _canonical(ip: str) -> str:
    """As the file's addresses are held; somebody else may write fd00:0::B for fd00::b."""
    address = addresses.parse(ip)
    return ip if address is None else str(address)


def _manager(metadata: Mapping[str, Any]) -> str:
    """Of those who own the subsets, the last who wrote (API concepts, "Field management")."""
    owners = [
        (str(entry.get("time") or ""), str(entry.get("manager") or ""))
        for entry in metadata.get("managedFields") or ()
        if "f:subsets" in (entry.get("fieldsV1") or {})
    ]
    return max(owners, default=("", ""))[1]


def _written(subset: Subset) -> dict[str, Any]:
    lists = {
        "addresses": [{"ip": address} for address in subset.ready],
        "notReadyAddresses": [{"ip": address} for address in subset.not_ready],
        "ports": [
            ({"name": port.name} if port.name else {}) | {"port": port.port, "protocol": port.protocol}
            for port in subset.ports
        ],
    }
    return {field: entries for field, entries in lists.items() if entries}
