"""A manifest of Kubernetes in place of Mooring's file is one problem, not one a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from mooring.config.node import Node
from mooring.config.problems import Problems

_KIND = re.compile(r"[A-Z][A-Za-z]{0,62}")
_IMPORTED = "`mooring import SERVICE -n NAMESPACE` makes Mooring's file from what a cluster has"
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "Service": _IMPORTED,
        "Endpoints": _IMPORTED,
        "EndpointSlice": _IMPORTED,
        "ConfigMap": "Mooring's file is the text under its key config.yaml",
    }
)


def refuse_manifest(root: Node, problems: Problems) -> None:
    """Raises ConfigError: the tree is that of an object of Kubernetes."""
    kind, version = root.string("kind"), root.get("apiVersion")
    if kind is None or version is None or not _KIND.fullmatch(kind):
        return
    hint = _HINTS.get(kind, "must hold `version: 1` and `services`")
    problems.stop(version.key_at, f"is a Kubernetes {kind}, not Mooring's file; {hint}")
