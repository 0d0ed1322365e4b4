"""Probing one server as the daemon would."""

from __future__ import annotations

from typing import Any

from mooring.model import Observation, Target
from mooring.protocols.registry import PROTOCOLS


def target_of(protocol: str, address: str, port: int, *, timeout: float = 0.5, **block: Any) -> Target:
    """A target whose options are this block of the file, its fields in camelCase."""
    options = PROTOCOLS[protocol].options.model_validate(block)
    return Target(protocol, address, port, timeout, options)


def ask(protocol: str, address: str, port: int, *, timeout: float = 0.5, **block: Any) -> Observation:
    """Probes once."""
    return PROTOCOLS[protocol].probe(target_of(protocol, address, port, timeout=timeout, **block))
