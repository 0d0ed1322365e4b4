"""Steps as people read them: unified diffs."""

from __future__ import annotations

import difflib

from mooring.decide.plan import diff
from mooring.model import Change
from mooring.picture import Endpoint, Slice, Step
from mooring.spec import ServiceKey


def shown(step: Step) -> str:
    """The step as a unified diff, every line ended; empty where nothing a reader can see would change."""
    if isinstance(step, Change):
        return diff(step)
    before = _text(step.key, step.before.slice) if step.before else []
    after = _text(step.key, step.after) if step.after else []
    held = step.after or (step.before.slice if step.before else None)
    name = f"{step.key.namespace}/{held.name if held else ''}"
    names = (f"{name} (stored)" if before else "/dev/null", f"{name} (wanted)" if after else "/dev/null")
    return "".join(difflib.unified_diff(before, after, *names, n=len(before) + len(after)))


def _text(key: ServiceKey, of: Slice) -> list[str]:
    ports = [f"{port.name or port.protocol}: {port.port}/{port.protocol}" for port in of.ports]
    lines = [f"namespace: {key.namespace}", f"name: {of.name}", f"service: {key.name}", "endpoints:"]
    lines += [f"- {_endpoint_text(endpoint)}" for endpoint in of.endpoints]
    return [f"{line}\n" for line in [*lines, "ports:", *(f"- {port}" for port in ports)]]


def _endpoint_text(endpoint: Endpoint) -> str:
    zone = f", zone {endpoint.zone}" if endpoint.zone else ""
    hints = f", for {' and '.join(endpoint.hints)}" if endpoint.hints else ""
    return f"{endpoint.address}: {endpoint.condition.value}{zone}{hints}"
