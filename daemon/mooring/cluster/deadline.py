"""A total deadline for a call: a library's own timeouts begin anew with each byte that the other side drips."""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Self

_latest: ContextVar[float] = ContextVar("latest", default=math.inf)
_UNSENT_IS_LOST = struct.pack("ii", 1, 0)


@contextlib.contextmanager
def before(moment: float) -> Iterator[None]:
    """No call that this thread makes inside sends or waits after that moment, in ``time.monotonic``'s seconds."""
    token = _latest.set(moment)
    try:
        yield
    finally:
        _latest.reset(token)


class Call:
    """``with Call(seconds) as call``: one call under way, lost to whoever reads in it once its time is over."""

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(0, self.end)
        self._seconds = seconds
        self._until = math.inf
        self.ended = False

    def __enter__(self) -> Self:
        self.lasts(self._seconds)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def lasts(self, seconds: float) -> None:
        """The deadline is so many seconds from now, or earlier inside ``before``."""
        self._timer.cancel()
        self._until = min(time.monotonic() + seconds, _latest.get())
        self._timer = threading.Timer(max(0.0, self._until - time.monotonic()), self.end)
        self._timer.daemon = True
        self._timer.start()

    def goes_on(self) -> None:
        """Raises TimeoutError: its time is over, though the timer may not have had its turn yet."""
        if self.ended or time.monotonic() >= self._until:
            self.ended = True
            raise TimeoutError("its time is over")

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
                # What a lost network has not taken yet must not arrive once it is back: the kernel forgets it at close.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _UNSENT_IS_LOST)
                # Not SSLSocket's own: that one takes the TLS layer away under the reader's feet.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
