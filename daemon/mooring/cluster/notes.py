"""The annotation in which Mooring notes on an object what it needs at its next start. JSON, from and to ``Memory``.

``{"hosts": {"10.20.0.11": "", "10.20.0.13": "db3.example.com"}, "probed": "mysql:3306/TCP", "servicePorts": "…"}``
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mooring.model.memory import NOTHING, Extras, Memory
from mooring.model.spec import Port

NOTES = "mooring/state"
WRITER = "mooring/writer"
"""The identity of the Mooring that wrote the object last; a second one is recognised by it."""


def noted(memory: Memory) -> str:
    """The annotation's text; the same memory gives the same text."""
    found: dict[str, Any] = {"hosts": dict(memory.hosts)}
    if memory.probed is not None:
        found["probed"] = f"{memory.probed.name}:{memory.probed.port}/{memory.probed.protocol}"
    if memory.service_ports:
        found["servicePorts"] = memory.service_ports
    return json.dumps(found, separators=(",", ":"), sort_keys=True)


def changed_notes(before: Memory, after: Memory, writer: str) -> dict[str, str]:
    """The annotations to write; none where there was none and there is nothing to note."""
    notes = {} if before == after == NOTHING else {NOTES: noted(after)}
    return notes | ({WRITER: writer} if writer else {})


def writer_of(metadata: Mapping[str, Any]) -> str:
    """The identity of the Mooring that wrote the object last; empty where none did."""
    return str((metadata.get("annotations") or {}).get(WRITER) or "")


def parse_notes(metadata: Mapping[str, Any]) -> Memory:
    """What the annotation says; NOTHING where there is none, or one that Mooring did not write."""
    try:
        found = json.loads((metadata.get("annotations") or {})[NOTES])
        hosts = tuple(sorted((str(address), str(name)) for address, name in found["hosts"].items()))
        probed = _port(found["probed"]) if "probed" in found else None
        return Memory(hosts, probed, str(found.get("servicePorts") or ""))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return NOTHING


def _port(text: str) -> Port:
    name, _, rest = text.rpartition(":")
    number, _, protocol = rest.partition("/")
    return Port(name, int(number), protocol)


_OF_ADDRESS = ("hostname", "nodeName", "targetRef")
_OF_PORT = ("appProtocol",)
_KEEPERS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm",
    "kubectl.kubernetes.io/last-applied-configuration": "kubectl apply",
}
"""Labels and annotations by which tools mark what they keep; the first that is found decides."""


def extras_of(addresses: Iterable[tuple[str, Mapping[str, Any]]], ports: Iterable[Mapping[str, Any]]) -> Extras:
    """The fields of these addresses and ports that are not ours, and stay."""
    named = ((str(port.get("name") or ""), str(port.get("protocol") or "TCP"), port) for port in ports)
    return Extras(
        {address: held for address, entry in addresses if (held := _only(entry, _OF_ADDRESS))},
        {(name, protocol): held for name, protocol, port in named if (held := _only(port, _OF_PORT))},
    )


def kept_by(metadata: Mapping[str, Any]) -> str:
    """The tool whose manifests hold the object; empty: no tool that is known."""
    labels = metadata.get("labels") or {}
    named = {**labels, **(metadata.get("annotations") or {})}
    helm = "Helm" if labels.get("app.kubernetes.io/managed-by") == "Helm" else ""
    return next((keeper for name, keeper in _KEEPERS.items() if name in named), helm)


def _only(entry: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: entry[name] for name in names if entry.get(name) is not None}
