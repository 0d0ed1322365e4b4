"""Endpoints and Services as Kubernetes writes them (API reference, core/v1), from and to our values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mooring.cluster.notes import changed_notes, extras_of, kept_by, parse_notes, writer_of
from mooring.model.addresses import canonical
from mooring.model.errors import Rejected
from mooring.model.memory import NO_EXTRAS, NOTHING, Extras
from mooring.model.objects import MANAGER, EndpointsWrite, ServiceFacts, ServicePort, StoredEndpoints, Subset
from mooring.model.spec import Port, ServiceKey
from mooring.plan import drain, overrides

MANAGED_BY = "app.kubernetes.io/managed-by"
UNMIRRORED = "endpointslice.kubernetes.io/skip-mirror"
"""The label of an Endpoints that nobody shall copy into EndpointSlices."""
_LISTS = ("addresses", "notReadyAddresses")


def parse(key: ServiceKey, document: Mapping[str, Any], version: str) -> StoredEndpoints:
    """Our value of an Endpoints document; absent and null lists are empty.

    Raises:
        Rejected: the document is no Endpoints of this name.
    """
    try:
        metadata = document.get("metadata") or {}
        named = (document.get("kind"), metadata.get("namespace", key.namespace), metadata.get("name"))
        held = tuple(_subset(subset) for subset in document.get("subsets") or ())
        labels = metadata.get("labels") or {}
        stored = StoredEndpoints(
            key=key,
            version=version,
            managed=labels.get(MANAGED_BY) == MANAGER,
            subsets=held,
            manager=manager(metadata, "f:subsets"),
            skip_mirror=labels.get(UNMIRRORED) == "true",
            skip_mirror_by=manager(metadata, "f:metadata", "f:labels", f"f:{UNMIRRORED}"),
            memory=parse_notes(metadata),
            writer=writer_of(metadata),
            extras=_extras(document),
            kept_by=kept_by(metadata),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise Rejected(f"the stored object of {key} is not of the shape of an Endpoints") from error
    if named != ("Endpoints", key.namespace, key.name):
        raise Rejected(f"the stored object of {key} is {named[0]} {named[1]}/{named[2]}, not its Endpoints")
    return stored


def merged(document: Mapping[str, Any], change: EndpointsWrite) -> dict[str, Any]:
    """The document after the change: our label and all subsets; whatever else stood in it stays."""
    metadata = dict(document.get("metadata") or {"name": change.key.name, "namespace": change.key.namespace})
    named = {**(metadata.get("labels") or {}), **labels(change)}
    metadata["labels"] = {name: value for name, value in named.items() if value is not None}
    if annotations := {**(metadata.get("annotations") or {}), **notes(change)}:
        metadata["annotations"] = annotations
    after = {"apiVersion": "v1", "kind": "Endpoints", **document, "metadata": metadata}
    after.pop("subsets", None)
    if change.subsets:
        after["subsets"] = subsets(change)
    return after


def labels(change: EndpointsWrite) -> dict[str, str | None]:
    """Our labels; None removes one."""
    was = change.before is not None and change.before.skip_mirror
    mark = {UNMIRRORED: "true" if change.skip_mirror else None} if was != change.skip_mirror else {}
    return {MANAGED_BY: MANAGER, **mark}


def notes(change: EndpointsWrite) -> dict[str, str]:
    """Our annotations."""
    return changed_notes(change.before.memory if change.before else NOTHING, change.memory, change.writer)


def subsets(change: EndpointsWrite) -> list[dict[str, Any]]:
    """The subsets of the change as Kubernetes writes them, empty lists left out."""
    return [_written(subset, change.extras) for subset in change.subsets]


_HEADLESS = frozenset({"", "None"})
"""What stands in the place of a ClusterIP where a Service has none."""


def facts(service: Mapping[str, Any]) -> ServiceFacts:
    """What a Service document says of itself."""
    spec, metadata = service.get("spec") or {}, service.get("metadata") or {}
    owners = [owner for owner in metadata.get("ownerReferences") or () if owner.get("controller")]
    ports, annotations = spec.get("ports") or (), metadata.get("annotations") or {}
    return ServiceFacts(
        ports=tuple(
            ServicePort(port.get("name") or "", port["port"], port.get("targetPort"), port.get("protocol") or "TCP")
            for port in ports
        ),
        type=spec.get("type") or "ClusterIP",
        selector=bool(spec.get("selector")),
        owner=f"{owners[0]['kind']}/{owners[0]['name']}" if owners else "",
        families=tuple(spec.get("ipFamilies") or ("IPv4",)),
        cluster_ips=tuple(
            one for one in spec.get("clusterIPs") or [spec.get("clusterIP") or ""] if one not in _HEADLESS
        ),
        drain=drain.parse_drain(str(annotations.get(drain.ANNOTATION) or "")),
        pause=overrides.parse_pause(annotations.get(overrides.PAUSED)),
        trust=overrides.parse_trust(annotations.get(overrides.TRUST)),
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


def written_ports(ports: Iterable[Port], extras: Extras = NO_EXTRAS) -> list[dict[str, Any]]:
    return [
        ({"name": port.name} if port.name else {})
        | {"port": port.port, "protocol": port.protocol, **extras.ports.get((port.name, port.protocol), {})}
        for port in ports
    ]


def _addresses(subset: Mapping[str, Any], field: str) -> tuple[str, ...]:
    return tuple(canonical(str(address["ip"])) for address in subset.get(field) or ())


def manager(metadata: Mapping[str, Any], *fields: str) -> str:
    """Who last wrote the field, empty where nobody owns it (API concepts, "Field management")."""
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


def _written(subset: Subset, extras: Extras) -> dict[str, Any]:
    lists = {
        "addresses": [{"ip": address, **extras.addresses.get(address, {})} for address in subset.ready],
        "notReadyAddresses": [{"ip": address, **extras.addresses.get(address, {})} for address in subset.not_ready],
        "ports": written_ports(subset.ports, extras),
    }
    return {field: entries for field, entries in lists.items() if entries}


def _extras(document: Mapping[str, Any]) -> Extras:
    subsets = document.get("subsets") or ()
    listed = [one for subset in subsets for kind in _LISTS for one in subset.get(kind) or ()]
    ports = [port for subset in subsets for port in subset.get("ports") or ()]
    return extras_of(((canonical(str(one["ip"])), one) for one in listed), ports)
