"""A total deadline for a call: a library's own timeouts begin anew with each byte that the other side drips."""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Protocol, Self

_UNSENT_IS_LOST = struct.pack("ii", 1, 0)
AGAIN_SECONDS = 1.0
"""After which a thread that the process may not have is tried again."""


class _Ending(Protocol):
    def end(self) -> None: ...


class _Overseer:
    """Ends the calls whose time is over, all in one thread: where the process may have no thread more, calls go on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: dict[_Ending, float] = {}
        self._wakes_at = math.inf
        self._running = False

    def watch(self, call: _Ending, until: float) -> None:
        """Ends the call then, whatever was said of it before. Raises RuntimeError: there is no thread for the first."""
        with self._changed:
            if not self._running:
                threading.Thread(target=self._run, name="deadlines", daemon=True).start()
                self._running = True
            self._calls[call] = until
            if until < self._wakes_at:
                self._changed.notify()

    def forget(self, call: _Ending) -> None:
        with self._changed:
            self._calls.pop(call, None)

    def _run(self) -> None:
        while True:
            for call in self._over():
                call.end()

    def _over(self) -> list[_Ending]:
        """Waits until the first that is due; those that are, and are watched no more."""
        with self._changed:
            self._wakes_at = min(self._calls.values(), default=math.inf)
            wait = None if self._wakes_at == math.inf else self._wakes_at - time.monotonic()
            if wait is None or wait > 0:
                self._changed.wait(wait)
            now = time.monotonic()
            over = [call for call, until in self._calls.items() if until <= now]
            for call in over:
                del self._calls[call]
            return over


_overseer = _Overseer()


class _Later:
    def __init__(self, task: Callable[[], None]) -> None:
        self.end = task


def later(seconds: float, task: Callable[[], None]) -> None:
    """Calls the task in so many seconds, in the thread that ends calls: it must not wait."""
    _overseer.watch(_Later(task), time.monotonic() + seconds)


def start_thread(
    run: Callable[[], None], name: str, stopped: threading.Event, on_refusal: Callable[[], None] = lambda: None
) -> None:
    """Runs it in a thread of its own, unless ``stopped`` is set.

    Where the process may have no thread more, calls ``on_refusal``, and tries again each second.
    """
    if stopped.is_set():
        return
    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError:
        on_refusal()
        later(AGAIN_SECONDS, lambda: start_thread(run, name, stopped, on_refusal))


class Deadline:
    """``with Deadline(seconds) as call``: one call under way; once its time is over, its connection is cut.

    The call ends at ``until`` at the latest, a moment in ``time.monotonic``'s seconds, whatever ``seconds`` allow.
    """

    def __init__(self, seconds: float, until: float = math.inf) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._seconds = seconds
        self._latest = until
        self._until = math.inf
        self.ended = False

    def __enter__(self) -> Self:
        self.extend(self._seconds)
        return self

    def __exit__(self, *_: object) -> None:
        _overseer.forget(self)
        self.detach()

    def extend(self, seconds: float) -> None:
        """The deadline is so many seconds from now, at the latest ``until``."""
        self._until = min(time.monotonic() + seconds, self._latest)
        _overseer.watch(self, self._until)

    @property
    def remaining(self) -> float:
        """Seconds until it is over; never negative."""
        return max(0.0, self._until - time.monotonic())

    def check(self) -> None:
        """Raises TimeoutError: its time is over, though nobody may have ended it yet."""
        if self.ended or time.monotonic() >= self._until:
            self.ended = True
            raise TimeoutError("its time is over")

    def attach(self, line: socket.socket) -> None:
        """The call uses this connection from now on; its end cuts it."""
        with self._lock:
            self._socket = line
            if self.ended:
                self._cut()

    def detach(self) -> None:
        """The call uses no connection any more: its end cuts none."""
        with self._lock:
            self._socket = None

    def end(self) -> None:
        """Ends the call now; from any thread."""
        with self._lock:
            self.ended = True
            self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # What the network has not taken must not arrive once the network is back: at close the kernel drops it.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _UNSENT_IS_LOST)
                # Not SSLSocket's own shutdown: it removes the TLS layer while another thread reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
