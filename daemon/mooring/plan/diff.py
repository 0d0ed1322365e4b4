"""Writes as unified diffs, for people."""

from __future__ import annotations

import difflib

from mooring.model.objects import Endpoint, EndpointsWrite, Slice, Write
from mooring.model.spec import ServiceKey
from mooring.plan.plan import endpoints_diff, name_suffix, port_line


def diff_of(write: Write) -> str:
    """The write as a unified diff, each line with its newline; empty where no visible content changes."""
    if isinstance(write, EndpointsWrite):
        return endpoints_diff(write)
    before = _slice_lines(write.key, write.before.slice) if write.before else []
    after = _slice_lines(write.key, write.after) if write.after else []
    held = write.after or (write.before.slice if write.before else None)
    name = f"{write.key.namespace}/{held.name if held else ''}"
    names = (f"{name} (stored)" if before else "/dev/null", f"{name} (wanted)" if after else "/dev/null")
    return "".join(difflib.unified_diff(before, after, *names, n=len(before) + len(after)))


def _slice_lines(key: ServiceKey, of: Slice) -> list[str]:
    ports = [port_line(port) for port in of.ports]
    lines = [f"namespace: {key.namespace}", f"name: {of.name}", f"service: {key.name}", "endpoints:"]
    sources = dict(of.memory.hosts)
    lines += [f"- {_describe_endpoint(one)}{name_suffix(sources.get(one.address))}" for one in of.endpoints]
    return [f"{line}\n" for line in [*lines, "ports:", *(f"- {port}" for port in ports)]]


def _describe_endpoint(endpoint: Endpoint) -> str:
    zone = f", zone {endpoint.zone}" if endpoint.zone else ""
    hints = f", for {' and '.join(endpoint.hints)}" if endpoint.hints else ""
    return f"{endpoint.address}: {endpoint.condition.value}{zone}{hints}"
