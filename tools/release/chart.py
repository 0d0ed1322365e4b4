"""The Helm chart as the package that ``helm install`` takes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from release import project

CHART = project.ROOT / "deploy/helm/mooring"


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """A file that belongs to nobody in particular."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, project.moment(), 0o644
    return info


def packed(chart: Path) -> bytes:
    """The same bytes for the same chart and commit. Helm reads Chart.yaml first, so it stands first."""
    files = sorted(path for path in chart.rglob("*") if path.is_file())
    files.sort(key=lambda path: path != chart / "Chart.yaml")
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path in files:
            content = path.read_bytes()
            name = f"{chart.name}/{path.relative_to(chart).as_posix()}"
            tar.addfile(_entry(name, len(content)), io.BytesIO(content))
    return gzip.compress(made.getvalue(), mtime=0)


def package(dist: Path) -> Iterator[Path]:
    """Writes it into this folder."""
    file = dist / f"mooring-chart-{project.version()}.tgz"
    file.write_bytes(packed(CHART))
    yield file
