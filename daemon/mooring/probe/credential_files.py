"""Finds which of the files that logins read have changed."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from mooring.model.fingerprint import FileFingerprint
from mooring.model.targets import Target
from mooring.protocols.transport.files import FileReader, secret_files

MOST_LOOKS = 100
"""Files that Mooring looks at in one turn at most; more files take turns."""


class Credentials:
    """Remembers the fingerprints of the files. The reader's threads look at them, so that no caller waits."""

    def __init__(self, reader: FileReader = secret_files) -> None:
        self._reader = reader
        self._known: dict[str, FileFingerprint] = {}
        self._looks: dict[str, Future[FileFingerprint]] = {}
        self._paths: frozenset[str] = frozenset()

    def assign(self, targets: Iterable[Target]) -> None:
        """From now on looks at the password and CA files of these targets only. Any thread may call it."""
        blocks = {target.options for target in targets}
        self._paths = frozenset(path for block in blocks for path in block.files())

    def changed(self) -> frozenset[str]:
        """Paths of the files that have changed, as far as looks have ended by now.

        Begins the next looks. A file that does not answer holds back no other; a file that is new here has not changed.
        """
        paths = self._paths
        changed = frozenset(path for path in paths & self._looks.keys() if self._take(path))
        self._known = {path: mark for path, mark in self._known.items() if path in paths}
        self._looks = {path: look for path, look in self._looks.items() if path in paths}
        self._begin(paths)
        return changed

    def _take(self, path: str) -> bool:
        if not self._looks[path].done():
            return False
        look = self._looks.pop(path)
        if look.exception() is not None:
            return False
        mark = look.result()
        before = self._known.pop(path, mark)
        self._known[path] = mark  # the end of the order: its next look comes last
        return before != mark

    def _begin(self, paths: Iterable[str]) -> None:
        order = {path: number for number, path in enumerate(self._known)}
        waiting = sorted((path for path in paths if path not in self._looks), key=lambda path: order.get(path, -1))
        for path in waiting[:MOST_LOOKS]:
            self._looks[path] = self._reader.look(path)
