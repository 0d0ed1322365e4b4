"""Reads what a server sends first on a connection over which Mooring asks nothing; delays no probe."""

from __future__ import annotations

import socket
from collections.abc import Callable

from mooring.model.clocks import Clocks
from mooring.probe.loop import ANSWER, Loop

WAIT_SECONDS = 0.1
_PIECE = 16 * 1024


class GreetingWatch:
    """Waits at most ``WAIT_SECONDS`` in the loop, gives the first bytes to ``on_greeting``, and closes the socket."""

    def __init__(self, sock: socket.socket, loop: Loop, clocks: Clocks, on_greeting: Callable[[bytes], None]) -> None:
        self._sock = sock
        self._loop = loop
        self._on_greeting = on_greeting
        self._timer = loop.at(clocks.monotonic() + WAIT_SECONDS, self.close)
        loop.watch(sock, ANSWER, self._on_event)

    @property
    def is_open(self) -> bool:
        return self._sock.fileno() >= 0

    def close(self) -> None:
        self._timer.cancel()
        self._loop.forget(self._sock)
        self._sock.close()

    def _on_event(self, _events: int) -> None:
        try:
            greeting = self._sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            greeting = b""
        self.close()
        if greeting:
            self._on_greeting(greeting)
