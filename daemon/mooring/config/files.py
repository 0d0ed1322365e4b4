"""The files that the configuration names: are they there before the first probe needs them?"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from mooring.credentials import unset
from mooring.protocols.options import Options
from mooring.spec import Config, ServiceSpec


def unreadable_files(config: Config) -> list[str]:
    """A sentence for each passwordFile and caFile that is missing, unreadable or empty; never what it holds.

    A file that holds nothing but one line end is empty: that is not part of a password.
    """
    return [problem for service in config.services for problem in _of_service(service)]


def _of_service(service: ServiceSpec) -> Iterator[str]:
    options = service.check.options
    if not isinstance(options, Options):
        return
    for name in options.files():
        if why := _unfound(name) or _unreadable(Path(name)):
            yield f"{service.key}: check.{service.check.protocol}: the file {name} {why}"


def _unfound(name: str) -> str | None:
    why = unset(name)
    return f"cannot be looked for: {why}" if why else None


def _unreadable(path: Path) -> str | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "is not a regular file"
        with path.open("rb") as file:
            start = file.read(3)
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "is empty" if start in {b"", b"\n", b"\r\n"} else None
