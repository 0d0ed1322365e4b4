"""Containers of the images that tests build, run by runc without a daemon of an engine."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import leftovers
from lab.mooring import Daemon
from lab.waiting import wait_until

ENGINE = ("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs")
"""Said each time: the usual runtime refuses control groups of two versions side by side."""
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4096:4096")
"""The usual ones are above what a nested machine may set."""
LOCKED = ("--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges")
_numbers = itertools.count(1)


def words(name: str, *options: str) -> list[str]:
    """The beginning of ``podman run``; the image and its words follow."""
    return [*ENGINE, "run", "--rm", "--name", name, *LIMITS, *LOCKED, *options]


def new_name(what: str) -> str:
    """A name by which a later run knows whose container it is."""
    return f"{leftovers.tag()}{what}-{next(_numbers)}"


def run(image: str, *arguments: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs a command of the image to its end, with no network but its own loopback."""
    line = [*words(new_name("run"), "--network", "none", *options), image, *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)


def inspected(form: str, thing: str) -> str:
    """What podman knows of an image or a container, by a Go template."""
    asked = ["podman", "inspect", "--format", form, thing]
    return subprocess.run(asked, capture_output=True, text=True, timeout=300, check=True).stdout.strip()


def own_layers(image: str) -> list[int]:
    """The unpacked bytes of each layer that was put upon the base."""
    asked = ["podman", "history", "--format", "json", image]
    layers = json.loads(subprocess.run(asked, capture_output=True, text=True, timeout=300, check=True).stdout)
    return [layer["size"] for layer in layers if " COPY " in layer["CreatedBy"]]


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


class Contained(Daemon):
    """``mooring run`` in a container of ``image``; otherwise as ``Daemon``. The network is that around it.

    ``options`` are further ones of ``podman run``.
    """

    def __init__(self, image: str, config: str, state_dir: Path, *, options: Sequence[str] = (), **more: Any) -> None:
        super().__init__(config, state_dir, **more)
        self.name = new_name("daemon")
        self._image = image
        self._options = tuple(options)
        state_dir.mkdir(parents=True, exist_ok=True)
        state_dir.chmod(0o777)

    def _command(self) -> list[str]:
        places = (f"{self.directory}:{self.directory}:ro", f"{self.state_dir.absolute()}:{self.state_dir.absolute()}")
        mounts = [word for place in places for word in ("--volume", place)]
        own = super()._command()[len(self._program) :]
        return [*words(self.name, "--network", "host", *mounts, *self._options), self._image, *own]

    @property
    def pid(self) -> int:
        """Of the daemon itself, seen from outside."""
        found = wait_until(lambda: inspected("{{.State.Pid}}", self.name), 10, f"{self.name} to run")
        return int(found)

    def kill(self) -> None:
        leftovers.remove_container(self.name)
        super().kill()
