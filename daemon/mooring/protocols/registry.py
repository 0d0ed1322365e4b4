"""The protocols that Mooring speaks: each has a folder, and its name here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from mooring.model.probes import Observation
from mooring.model.targets import Target
from mooring.protocols.protocol import Protocol

NAMES = (
    "mysql",
    "redis",
    "tcp",
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {name: importlib.import_module(f"mooring.protocols.{name}").PROTOCOL for name in NAMES}
)


def probe(target: Target) -> Observation:
    """One whole probe, by the target's protocol. Never raises, and ends within the target's timeout."""
    return PROTOCOLS[target.protocol].client.probe(target)
