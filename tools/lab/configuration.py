"""Configuration files for scenarios, as text: JSON, which is YAML too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

PORTS = {"mysql": 3306, "redis": 6379, "tcp": 7000}


def service(
    name: str, protocol: str, hosts: Sequence[Any], *, block: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """One entry of ``services``; its port is the protocol's own, ``block`` is the protocol's, ``more`` further fields.

    ``check`` in ``more`` is added to the block's. ``flap`` is off where ``more`` has none: a test, a campaign of faults
    or a benchmark takes one host out more often in ten minutes than a sound one fails in a year.
    """
    check = {protocol: dict(block or {}), **more.pop("check", {})}
    ports = [{"name": protocol, "port": PORTS[protocol]}]
    return {"name": name, "ports": ports, "hosts": list(hosts), "check": check, "flap": "off", **more}


def at(published: str, server: Any, **more: Any) -> dict[str, Any]:
    """A host that is published under one address and probed where ``server`` (``address``, ``port``) really is."""
    return {"address": published, "probeAddress": server.address, "probePort": server.port, **more}


def file(*services: Mapping[str, Any], period: float = 0.2, timeout: float | None = None, **check: Any) -> str:
    """A whole file; every Service is probed at this period."""
    times = {"periodSeconds": period, "timeoutSeconds": timeout or period, **check}
    return json.dumps({"version": 1, "defaults": {"check": times}, "services": services}, indent=1)
