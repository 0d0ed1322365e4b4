"""The files that logins read: which of them have changed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import cast

from mooring.model import Target
from mooring.protocols.options import Options

Mark = tuple[int, int, int] | None


class Credentials:
    """Remembers what the files looked like when it was last asked."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark] = {}

    def changed(self, targets: Iterable[Target]) -> frozenset[str]:
        """Paths of password and CA files of these targets that are no more what they were at the last call."""
        blocks = {target.options for target in targets}
        paths = {path for block in blocks for path in cast("Options", block).files()}
        marks = {path: _mark(path) for path in paths}
        before, self._marks = self._marks, marks
        return frozenset(path for path, mark in marks.items() if path in before and before[path] != mark)


def _mark(path: str) -> Mark:
    """The file itself, wherever links lead: kubelet swaps a link."""
    try:
        status = os.stat(path)  # noqa: PTH116 -- pathlib adds nothing here
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
