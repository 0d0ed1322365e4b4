"""Locked Python packages that the tests read, or run, apart from their own environment."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from lab import pip
from lab.commands import ran

_OPTIONS = ("--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy")


def install(lock: Path, place: Path) -> None:
    """Puts the wheels of a lock into a folder; what has its name is complete.

    Raises:
        RuntimeError: a wheel cannot be had, or is not the one that the lock has the hash of.
    """
    uv = Path(sys.executable).with_name("uv")
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as new:
        made = Path(new) / "made"
        words = ("--python", sys.executable, "--target", made, "--requirement", lock)
        ran(uv, "pip", "install", *_OPTIONS, *words, cwd=lock.parent, **pip.index())
        made.rename(place)
