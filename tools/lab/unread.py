"""A daemon whose log is not read for a while."""

from __future__ import annotations

import fcntl
import mmap
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from typing import Any

from lab.mooring import Daemon

_LONGEST_LINE = 1024


class Unread(Daemon):
    """Nobody reads its standard output and error while ``reading`` is not set; the pipe is small, and soon full."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.reading = threading.Event()
        self.reading.set()

    def _read(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, mmap.PAGESIZE)
            for line in self._lines(process):
                self.keep(line)

    def _lines(self, process: subprocess.Popen[str]) -> Iterator[str]:
        for line in process.stdout or ():
            self.reading.wait()
            yield line.rstrip("\n")

    def keep(self, line: str) -> None:
        self.output.append(line)

    def log_is_full(self) -> bool:
        """A whole line may not fit any more: who writes it waits for a reader."""
        waiting = bytearray(4)
        assert self.process.stdout is not None
        fcntl.ioctl(self.process.stdout, termios.FIONREAD, waiting)
        return mmap.PAGESIZE - int.from_bytes(waiting, sys.byteorder) < _LONGEST_LINE

    def _end(self, how: signal.Signals | None, timeout: float = 60) -> int:
        self.reading.set()
        return super()._end(how, timeout)
