"""A real limit of threads: a control group with pids.max, for a daemon that a test starts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from kube import cgroups
from lab import leftovers
from lab.mooring import PROGRAM

_ENTER = 'echo $$ >"$0/cgroup.procs" && exec "$@"'


class Group:
    """A control group that bounds its threads."""

    def __init__(self, name: str) -> None:
        cgroups.make(name)
        self.path = next(root / name for root in leftovers.hierarchies() if (root / name / "pids.max").exists())

    def limit(self, count: int | str) -> None:
        (self.path / "pids.max").write_text(str(count))

    def refused(self) -> int:
        """How often the kernel refused a thread."""
        return int((self.path / "pids.events").read_text().split()[1])

    def holding(self, program: Sequence[str] = PROGRAM) -> Sequence[str]:
        """The command, in the group from its start."""
        return ("sh", "-c", _ENTER, str(self.path), *program)


@contextlib.contextmanager
def limited() -> Iterator[Group]:
    """Without a limit at first."""
    name = f"{leftovers.tag()}pids"
    try:
        yield Group(name)
    finally:
        leftovers.remove_group(name)
