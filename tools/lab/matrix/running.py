"""Runs programs of a root by the root's own loader and libraries: no chroot, no mount."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lab.matrix import roots

_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_FOLDERS = (
    _LIBRARIES,
    f"{_LIBRARIES}/mysql/private",
    f"{_LIBRARIES}/mysql-router",
    "usr/lib/mysql/private",
    "usr/lib/mysql-router",
    "lib/x86_64-linux-gnu",
)


def base(name: str) -> Path:
    """The root's folder. Raises RuntimeError where it was not fetched."""
    where = roots.directory(name)
    if not where.is_dir():
        raise RuntimeError(f"{name} is not fetched; do so by `tools/bootstrap.sh matrix`")
    return where


def _of_debian(where: Path) -> bool:
    return (where / "usr").is_dir()


def program(name: str, path: str) -> list[str]:
    """The words that run ``path`` of the root, which is relative to it; further words follow."""
    where = base(name)
    if not _of_debian(where):
        return [str(where / path)]
    loaders = where / "lib/x86_64-linux-gnu"  # an older Debian's link leads out of the root
    loader = next(iter([*loaders.glob("ld-2.*.so"), where / "lib64/ld-linux-x86-64.so.2"]))
    libraries = ":".join(str(where / folder) for folder in _FOLDERS if (where / folder).is_dir())
    return [str(loader), "--library-path", libraries, str(where / path)]


def environment(name: str) -> Mapping[str, str]:
    """What such a program finds around it: nothing that would have it load libraries or settings of the machine."""
    where = base(name)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    if _of_debian(where):
        return {**clean, "OPENSSL_MODULES": str(where / _LIBRARIES / "ossl-modules"), "OPENSSL_CONF": "/dev/null"}
    return {**clean, "LD_LIBRARY_PATH": f"{where / 'bin'}:{where / 'lib'}", "OPENSSL_CONF": "/dev/null"}
