"""The images that tests run: a Debian with Python, and Mooring's own upon it; each built once and kept.

python -m lab.images      builds what is missing; cold this takes a minute or two, warm a second
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import pip
from lab.commands import ran
from lab.exclusive import alone
from lab.process import command

ROOT = Path(__file__).resolve().parents[2]
SUITE = "bookworm"
PYTHON = ("python3", "python3-venv", "ca-certificates")
NAME = "docker.io/library/mooring:test"
"""What a pod calls ``mooring:test``."""
SOURCES = (
    "Dockerfile", ".dockerignore", "deploy/image", "daemon/mooring", "requirements/run.txt", "requirements/build.txt",
    "pyproject.toml", "README.md", "LICENSE",
)  # fmt: skip
_PROGRAMS = ("buildah", "podman", "runc", "mmdebstrap")
_REPOSITORY = "localhost/mooring-tests"
_KEPT = 6


@dataclass(frozen=True, slots=True)
class Image:
    """``reference`` is its name for podman."""

    reference: str

    @property
    def archive(self) -> Path:
        """A file for ``ctr images import``, made when first asked for; inside, the image is named ``NAME``."""
        file = directory() / f"{self.reference.rpartition(':')[2]}.tar"
        with alone(file.with_suffix(".lock")):
            if not file.exists():
                new = file.with_suffix(".new")
                new.unlink(missing_ok=True)
                ran("buildah", "push", self.reference, f"docker-archive:{new}:{NAME}")
                new.replace(file)
        return file


def directory() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(cache) / "mooring-tests" / "images"
    path.mkdir(parents=True, exist_ok=True)
    return path


def _exists(reference: str) -> bool:
    return subprocess.run(["podman", "image", "exists", reference], check=False).returncode == 0


def _base_name(packages: Sequence[str], architecture: str | None = None) -> str:
    recipe = repr((SUITE, PYTHON, sorted(packages), *([architecture] if architecture else [])))
    return f"{_REPOSITORY}/base:{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"


@functools.cache
def _base(packages: tuple[str, ...], architecture: str | None) -> str:
    name = _base_name(packages, architecture)
    with alone(directory() / f"{name.rpartition(':')[2]}.lock"):
        if not _exists(name):
            with tempfile.TemporaryDirectory(dir=directory(), prefix=".new-") as new:
                tar = Path(new) / "base.tar"
                wanted = ",".join((*PYTHON, *packages))
                other = [f"--architectures={architecture}"] if architecture else []
                words = [command("mmdebstrap") or "mmdebstrap", *other, "--variant=minbase", f"--include={wanted}"]
                ran(*words, SUITE, tar)
                ran("podman", "import", *([f"--arch={architecture}"] if architecture else []), tar, name)
    return name


def base(packages: Sequence[str] = (), architecture: str | None = None) -> str:
    """A Debian with Python and these packages; returns the name that podman and buildah know it by.

    ``architecture`` is another one than this machine's, as Debian and images name it (``arm64``); its programs must
    run here (see ``emulated``).

    Raises:
        RuntimeError: it could not be made; the message has why.
    """
    return _base(tuple(sorted(packages)), architecture)


def files(sources: Sequence[str] = SOURCES) -> Iterator[Path]:
    """All that is in these files and folders of the checkout."""
    for source in sources:
        path = ROOT / source
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _key() -> str:
    """What the image is made of."""
    digest = hashlib.sha256(_base_name(()).encode())
    for file in files():
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(ROOT).as_posix()} {file.stat().st_mode:o} {content}\n".encode())
    return digest.hexdigest()[:16]


def here(architecture: str | None = None) -> list[str]:
    """Options of a build by buildah where no daemon of an engine runs. Raises RuntimeError."""
    other = ["--platform", f"linux/{architecture}"] if architecture else []
    python = base(architecture=architecture)
    return ["--isolation", "chroot", "--network", "host", "--layers", *other, "--build-arg", f"PYTHON_IMAGE={python}"]


def build(reference: str, *options: str, architecture: str | None = None) -> None:
    """Builds Mooring's image as ``make image`` does, where no daemon of an engine runs. Raises RuntimeError."""
    with pip.secrets() as secrets:
        how = here(architecture)
        ran(ROOT / "deploy/image/build.sh", reference, *how, *secrets, *options, ENGINE="buildah")


def _forget_old() -> None:
    """Removes the images of former sources; what still runs, podman does not let go."""
    listed = ran("podman", "images", "--sort=created", "--format={{.Tag}}", f"{_REPOSITORY}/mooring").split()
    for tag in listed[_KEPT:]:
        subprocess.run(["podman", "rmi", f"{_REPOSITORY}/mooring:{tag}"], capture_output=True, check=False)
        for kind in ("tar", "lock"):
            (directory() / f"{tag}.{kind}").unlink(missing_ok=True)


@functools.cache
def mooring() -> Image:
    """The image of this checkout's Dockerfile and sources, as they are now. Raises RuntimeError."""
    image = Image(f"{_REPOSITORY}/mooring:{_key()}")
    with alone(directory() / "mooring.lock"):
        if not _exists(image.reference):
            build(image.reference)
            _forget_old()
    return image


def has_base(packages: Sequence[str] = ()) -> bool:
    return _exists(_base_name(packages))


def missing() -> list[str]:
    """What this machine lacks for images, besides root."""
    absent = [name for name in _PROGRAMS if command(name) is None]
    if not absent and not has_base():
        absent.append("the base of images (tools/bootstrap.sh image builds it)")
    return absent


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{mooring().reference}\n")
    except RuntimeError as error:
        sys.exit(str(error))
