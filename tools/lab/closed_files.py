"""Files of some folders after their last write, each as an open file, whatever became of its name since.

By fanotify (fanotify(7)): the kernel keeps the very file in the event, so a reader that is late still gets what a later
rename has replaced. Only root may use it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from pathlib import Path

_CLOEXEC, _NONBLOCK, _UNLIMITED_QUEUE = 0x1, 0x2, 0x10
_ADD, _CLOSE_WRITE, _EVENT_ON_CHILD, _AT_FDCWD = 0x1, 0x8, 0x08000000, -100
_EVENT = struct.Struct("IBBHQii")
_GONE = " (deleted)"
_libc = ctypes.CDLL(None, use_errno=True)


class ClosedFiles:
    """``take`` gets each file once, those of one name the oldest first. Gets none where the kernel forbids fanotify."""

    def __init__(self) -> None:
        flags = _CLOEXEC | _NONBLOCK | _UNLIMITED_QUEUE
        self._events = int(_libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC))
        self._files: list[int] = []

    def watch(self, folder: Path) -> None:
        mask = ctypes.c_ulonglong(_CLOSE_WRITE | _EVENT_ON_CHILD)
        if self._events >= 0 and _libc.fanotify_mark(self._events, _ADD, mask, _AT_FDCWD, os.fsencode(folder)) < 0:
            raise OSError(ctypes.get_errno(), f"fanotify_mark: {folder}")

    def take(self, path: Path, known: int | None = None) -> int | None:
        """A descriptor of the oldest file that was renamed to ``path``; the caller closes it. None: there is none.

        Where ``known`` is an open file, forgets that file here and returns ``known``.
        """
        wanted = f"{path.parent.resolve() / path.name}"
        self._forget_temporary()
        found = next((file for file in self._files if _is(file, wanted, known)), None)
        while found is None and (file := self._read()) is not None:
            self._files.append(file)
            found = file if _is(file, wanted, known) else None
        if found is not None:
            self._files.remove(found)
            if known is not None:
                os.close(found)
        return found if known is None else known

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        if self._events >= 0:
            os.close(self._events)

    def _read(self) -> int | None:
        if self._events < 0:
            return None
        with contextlib.suppress(BlockingIOError):
            return int(_EVENT.unpack(os.read(self._events, _EVENT.size))[5])
        return None

    def _forget_temporary(self) -> None:
        """Closes the files that were removed before they got their final name."""
        for file in list(self._files):
            name = Path(_name(file)).name
            if name.startswith(".") and name.endswith(_GONE):
                self._files.remove(file)
                os.close(file)


def _is(file: int, wanted: str, known: int | None) -> bool:
    return _name(file).removesuffix(_GONE) == wanted if known is None else os.path.sameopenfile(file, known)


def _name(file: int) -> str:
    return str(Path(f"/proc/self/fd/{file}").readlink())
