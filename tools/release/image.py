"""The image as an archive that docker, podman and containerd load.

It is not compressed: Debian 12's podman loads no other.
"""

from __future__ import annotations

import itertools
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.commands import ran
from release import project

ENGINES = ("docker", "podman", "buildah")


def engine() -> str:
    """The first that works here, as deploy/image/build.sh chooses. Raises RuntimeError."""
    for name in os.environ.get("ENGINE", " ".join(ENGINES)).split():
        if shutil.which(name) and not subprocess.run([name, "info"], capture_output=True, check=False).returncode:
            return name
    raise RuntimeError("the image needs docker, podman or buildah, and none works here")


def name() -> str:
    """In full, so that each engine loads it as what the chart's ``mooring:VERSION`` means."""
    return f"docker.io/library/mooring:{project.version()}"


def saving(program: str, tag: str, file: Path) -> Sequence[str]:
    """The words that write the image ``tag`` to ``file``."""
    match program:
        case "buildah":
            return [program, "push", tag, f"docker-archive:{file}:{tag}"]
        case "podman":
            return [program, "save", "--format", "docker-archive", "--output", str(file), tag]
        case _:
            return [program, "save", "--output", str(file), tag]


def architecture(options: Sequence[str]) -> str:
    """As images name it: what ``--platform`` asks for, else this machine's."""
    asked = [word.partition("=")[2] for word in options if word.startswith("--platform=")]
    asked += [after for word, after in itertools.pairwise(options) if word == "--platform"]
    machine = asked[0].removeprefix("linux/").partition("/")[0] if asked else platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def archive(dist: Path) -> Iterator[Path]:
    """Builds it and writes it into this folder; ``IMAGE_OPTIONS`` are the engine's own. Raises RuntimeError."""
    options, program = shlex.split(os.environ.get("IMAGE_OPTIONS", "")), engine()
    tag = name()
    ran(project.ROOT / "deploy/image/build.sh", tag, *options, ENGINE=program)
    file = (dist / f"mooring-image-{project.version()}-{architecture(options)}.tar").absolute()
    file.unlink(missing_ok=True)  # podman adds to no archive that is there
    ran(*saving(program, tag, file))
    yield file
