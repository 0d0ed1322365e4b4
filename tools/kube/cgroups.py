"""A control group for the pods of one cluster, in every hierarchy, named for the process that made it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from lab import leftovers


def make(name: str) -> str:
    """Makes it, and returns its path below the root of each hierarchy."""
    for root in leftovers.hierarchies():
        with contextlib.suppress(PermissionError):
            (root / name).mkdir(exist_ok=True)
    _delegate(leftovers.CGROUPS / name)
    return f"/{name}"


def _delegate(group: Path) -> None:
    """In cgroup v2 a group's children have only the controllers that it hands down."""
    for where in (group.parent, group):
        available = where / "cgroup.controllers"
        if available.exists():
            wanted = " ".join(f"+{controller}" for controller in available.read_text().split())
            (where / "cgroup.subtree_control").write_text(wanted)
