"""A terminal, or a pipe, that a test reads."""

from __future__ import annotations

import os
import pty
import threading


class Terminal:
    """A terminal, or a pipe, that keeps what was written to it."""

    def __init__(self, *, tty: bool) -> None:
        self._mine, self.theirs = pty.openpty() if tty else os.pipe()
        self.text = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while data := os.read(self._mine, 4096):
                self.text += data.decode(errors="replace")
        except OSError:
            pass  # how a terminal says that its last user left

    def type(self, keys: str) -> None:
        """What a person at the terminal types; the character 3 is Ctrl-C."""
        os.write(self._mine, keys.encode())

    def close(self) -> None:
        os.close(self.theirs)
        self._thread.join(60)
        os.close(self._mine)
