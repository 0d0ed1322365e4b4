# ruff: noqa: INP001 -- a script, no package
"""Removes from the environment it runs in what Mooring's dependencies bring and Mooring never imports.

The tests show that every command runs without it, and that no import of Mooring's leads there.
"""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

ONLY_FOR_AIO = (
    "aiohappyeyeballs",
    "aiohttp",
    "aiohttp-retry",
    "aiosignal",
    "frozenlist",
    "multidict",
    "propcache",
    "yarl",
)
"""Distributions that nothing but ``kubernetes.aio`` needs."""
UNUSED = (
    "kubernetes/aio",  # the client's asynchronous twin
    "kubernetes/client/api/*_api.py",  # one class a group of the API; Mooring sends plain JSON by ApiClient
    "kubernetes/client/models/*.py",  # one class a type of the API, each loaded when first asked for
)
KEPT = frozenset({"__init__.py"})


def unused(packages: Path) -> Iterator[Path]:
    """The files and folders of these packages that are not needed."""
    for pattern in UNUSED:
        yield from (path for path in sorted(packages.glob(pattern)) if path.name not in KEPT)


def _removed(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _uninstall(packages: Path, name: str) -> None:
    inside = {file.parts[0] for file in distribution(name).files or ()} - {".."}
    for top in inside:
        _removed(packages / top)


def main() -> None:
    packages = Path(sysconfig.get_path("purelib"))
    for name in ONLY_FOR_AIO:
        _uninstall(packages, name)
    for path in list(unused(packages)):
        _removed(path)


if __name__ == "__main__":
    main()
