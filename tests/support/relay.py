"""A way to a server over TCP that a test can cut: what is under way then is lost, as in a broken network."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Relay:
    """``with Relay(host, port) as relay`` listens on loopback at ``relay.address`` and ``relay.port``."""

    def __init__(self, host: str, port: int, address: str = "127.0.0.1") -> None:
        self._to = (host, port)
        self._lock = threading.Lock()
        self._ways: set[socket.socket] = set()
        self._cut = False
        self._door = socket.create_server((address, 0))
        self.address = address
        self.port = int(self._door.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, name="relay", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._forget()

    def lead(self, host: str, port: int) -> None:
        """New connections go there from now on; those that stand stay where they are, as behind a Service."""
        self._to = (host, port)

    def cut(self) -> None:
        """From now on nothing comes through, in silence."""
        self._cut = True

    def mend(self) -> None:
        """New connections come through; those from before are gone with what was in them."""
        self._forget()
        self._cut = False

    def _forget(self) -> None:
        with self._lock:
            for way in self._ways:
                with contextlib.suppress(OSError):
                    way.shutdown(socket.SHUT_RDWR)
            self._ways.clear()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                threading.Thread(target=self._serve, args=(near,), name="relay", daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError), socket.create_connection(self._to) as far:
            with self._lock:
                self._ways |= {near, far}
            back = threading.Thread(target=self._pass, args=(far, near), name="relay", daemon=True)
            back.start()
            self._pass(near, far)
            back.join()
            with self._lock:
                self._ways -= {near, far}

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(65536):
                if not self._cut:
                    other.sendall(piece)
        with contextlib.suppress(OSError):
            if not self._cut:
                other.shutdown(socket.SHUT_RDWR)
