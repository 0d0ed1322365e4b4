"""A total deadline for a call: a library's own timeouts begin anew with each byte that the other side drips."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Call:
    """``with Call(seconds) as call``: one call under way, lost to whoever reads in it once its time is over."""

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(0, self.end)
        self._seconds = seconds
        self.ended = False

    def __enter__(self) -> Self:
        self.lasts(self._seconds)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def lasts(self, seconds: float) -> None:
        """The deadline is so many seconds from now."""
        self._timer.cancel()
        self._timer = threading.Timer(seconds, self.end)
        self._timer.daemon = True
        self._timer.start()

    def reads(self, line: socket.socket) -> None:
        """From here on this is the call's connection."""
        with self._lock:
            self._socket = line
            if self.ended:
                self._cut()

    def end(self) -> None:
        """Ends it now; from any thread."""
        with self._lock:
            self.ended = True
            self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own: that one takes the TLS layer away under the reader's feet.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
