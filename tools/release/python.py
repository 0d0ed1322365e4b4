"""The wheel and the source package, built by hatchling as the image builds its wheel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from lab.commands import ran
from release import project


def packages(dist: Path) -> Iterator[Path]:
    """Writes both into this folder. Raises RuntimeError."""
    words: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--directory", dist.absolute()]
    ran(*words, cwd=project.ROOT, SOURCE_DATE_EPOCH=str(project.moment()))
    yield dist / f"mooring-{project.version()}-py3-none-any.whl"
    yield dist / f"mooring-{project.version()}.tar.gz"
