"""Endpoints as Kubernetes writes them down (API reference, core/v1 Endpoints), from and to our values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mooring.decide import addresses
from mooring.errors import Rejected
from mooring.model import Change, Port, ServiceKey, Stored, Subset

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
        subsets = tuple(_subset(subset) for subset in document.get("subsets") or ())
        managed = (metadata.get("labels") or {}).get(MANAGED_BY) == US
    except (AttributeError, KeyError, TypeError) as error:
        raise Rejected(f"the stored object of {key} is not of the shape of an Endpoints") from error
    if named != ("Endpoints", key.namespace, key.name):
        raise Rejected(f"the stored object of {key} is {named[0]} {named[1]}/{named[2]}, not its Endpoints")
    return Stored(key=key, version=version, managed=managed, subsets=subsets)


def merged(document: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """The document after the change: our label and all subsets; whatever else stood in it stays."""
    metadata = dict(document.get("metadata") or {"name": change.key.name, "namespace": change.key.namespace})
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: US}
    after = {"apiVersion": "v1", "kind": "Endpoints", **document, "metadata": metadata}
    after.pop("subsets", None)
    if change.subsets:
        after["subsets"] = [_written(subset) for subset in change.subsets]
    return after


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
