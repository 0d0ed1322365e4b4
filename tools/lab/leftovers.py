"""Scratch directories and names that tell whose they are, so that a later run can remove what a crashed one left."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "mooring"
_NAME = re.compile(rf"^{PREFIX}-(\d+)-(\d+)-")
_NAMESPACES = Path("/run/netns")
CGROUPS = Path("/sys/fs/cgroup")


def _started(pid: int) -> str | None:
    """When a process started, in clock ticks since boot: with the pid it names one process for ever. None: it ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def alive(pid: int) -> bool:
    """Whether it runs: one that nobody has reaped yet does not."""
    return _started(pid) is not None


@functools.cache
def _tag(pid: int) -> str:
    return f"{PREFIX}-{pid}-{_started(pid)}-"


def tag() -> str:
    """The prefix of all that this process makes."""
    return _tag(os.getpid())


def orphaned(name: str) -> bool:
    """Whether a name is one of ours and the process that made it is gone."""
    found = _NAME.match(name)
    return found is not None and _started(int(found[1])) != found[2]


@contextlib.contextmanager
def scratch(what: str) -> Iterator[Path]:
    """A temporary directory that every user may enter (servers run as another), removed at the end."""
    path = Path(tempfile.mkdtemp(prefix=f"{tag()}{what}-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def inside(directory: Path) -> Iterator[int]:
    """The processes whose working directory lies in ``directory``."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink().is_relative_to(directory):
                    yield int(entry.name)


def end(pids: list[int], *, within: float = 5) -> None:
    """Kills processes that need not be children of ours, and waits until they are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + within
    while any(_started(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.01)


def remove_namespace(name: str) -> None:
    """Ends what runs in a network namespace, then removes it with every link that ends in it."""
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
    end([int(pid) for pid in listed.stdout.split()])
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def hierarchies() -> list[Path]:
    """The roots of the control groups: one in cgroup v2, one a controller in v1."""
    if (CGROUPS / "cgroup.procs").exists():
        return [CGROUPS]
    return [path for path in CGROUPS.iterdir() if not path.is_symlink()] if CGROUPS.is_dir() else []


def _emptied(group: Path) -> bool:
    """Ends what runs in a control group and below, and removes it; False where a dying process still holds it."""
    for path, _, _ in os.walk(group, topdown=False):
        try:
            end([int(pid) for pid in (Path(path) / "cgroup.procs").read_text().split()])
            Path(path).rmdir()
        except OSError:
            return False
    return True


def remove_group(name: str, *, within: float = 5) -> None:
    """Removes a control group from every hierarchy, with all that runs in it."""
    until = time.monotonic() + within
    for root in hierarchies():
        while not _emptied(root / name) and time.monotonic() < until:
            time.sleep(0.02)


def remove_container(name: str) -> None:
    """Ends a container at once and removes it, also where there is none."""
    subprocess.run(["podman", "rm", "--force", "--ignore", "--time", "0", name], capture_output=True, check=False)


def _containers() -> list[str]:
    """The containers that a crashed run left."""
    if os.getuid() != 0 or shutil.which("podman") is None:
        return []
    listed = subprocess.run(
        ["podman", "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True, check=False
    )
    return [name for name in listed.stdout.split() if orphaned(name)]


def _orphans(place: Path) -> list[str]:
    """The names in a directory of what a crashed run left; only root may remove it."""
    if os.getuid() != 0 or not place.is_dir():
        return []
    return [entry.name for entry in place.iterdir() if orphaned(entry.name)]


def _may_remove(path: Path) -> bool:
    """Whether it is ours to remove, and no other run has done so meanwhile."""
    try:
        return os.getuid() in (0, path.lstat().st_uid)
    except FileNotFoundError:
        return False


def sweep() -> list[str]:
    """Removes what crashed runs left, processes and all the kinds of things named below. Returns the names of it.

    Another run may do the same at the same time: what that one removes first is not among the names.
    """
    directories = [path for path in Path(tempfile.gettempdir()).iterdir() if orphaned(path.name)]
    mine = [path for path in directories if _may_remove(path)]
    for path in mine:
        end(list(inside(path)))
    groups = sorted({name for root in hierarchies() for name in _orphans(root)})
    for name in groups:
        remove_group(name)
    for path in mine:
        shutil.rmtree(path, ignore_errors=True)
    containers = _containers()
    for name in containers:
        remove_container(name)
    namespaces = _orphans(_NAMESPACES)
    for name in namespaces:
        remove_namespace(name)
    return [path.name for path in mine] + groups + containers + namespaces
