"""Probing one server as the daemon would."""

from __future__ import annotations

from typing import Any

from mooring.model.probes import Observation
from mooring.model.targets import Target
from mooring.protocols.registry import PROTOCOLS

SECONDS = 20.0
"""What a probe may take at most on a busy machine. A test that waits for its deadline gives a shorter one."""


def target_of(protocol: str, address: str, port: int, *, timeout: float = SECONDS, **block: Any) -> Target:
    """A target whose options are this block of the file, its fields in camelCase."""
    options = PROTOCOLS[protocol].options.model_validate(block)
    return Target(protocol, address, port, timeout, options)


def ask(protocol: str, address: str, port: int, *, timeout: float = SECONDS, **block: Any) -> Observation:
    """Probes once."""
    return PROTOCOLS[protocol].client.probe(target_of(protocol, address, port, timeout=timeout, **block))
