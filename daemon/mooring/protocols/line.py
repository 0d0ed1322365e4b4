"""A connected socket that owns its time and its size."""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from mooring.protocols.failure import Failure
from mooring.protocols.tls import Tls
from mooring.reasons import Reason

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

ERRNOS: Mapping[int, Reason] = MappingProxyType(
    {
        errno.ECONNREFUSED: Reason.REFUSED,
        errno.ECONNRESET: Reason.RESET,
        errno.ECONNABORTED: Reason.RESET,
        errno.EPIPE: Reason.RESET,
        errno.ENOTCONN: Reason.RESET,  # was connected, and is no more
        errno.ETIMEDOUT: Reason.TIMEOUT,
        errno.EHOSTUNREACH: Reason.UNREACHABLE,
        errno.ENETUNREACH: Reason.UNREACHABLE,
        errno.EHOSTDOWN: Reason.UNREACHABLE,
        # ICMP "protocol unreachable" and ICMPv6 "administratively prohibited" (icmp_err_convert in Linux).
        errno.ENOPROTOOPT: Reason.UNREACHABLE,
        errno.EACCES: Reason.UNREACHABLE,
    }
)
"""What an error of a connection that was under way means; any other is of our own making: ``local``."""


def failure_of(error: OSError, doing: str) -> Failure:
    """The error of a socket in words of the table; ``doing`` says what was going on."""
    if isinstance(error, TimeoutError):
        return Failure(Reason.TIMEOUT, f"no whole answer in time ({doing})")
    if isinstance(error, ssl.SSLEOFError):
        return Failure(Reason.RESET, f"closed the connection ({doing})")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(Reason.TLS, f"certificate: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Failure(Reason.TLS, (error.reason or str(error)).replace("_", " ").lower())
    return Failure(ERRNOS.get(error.errno or 0, Reason.LOCAL), f"{error.strerror or error} ({doing})")


_READ_SIZE = 4096
"""Bytes read ahead at most."""


class Line:
    """What a client library takes for a socket, under one total deadline and one cap of bytes read.

    Every end other than success is raised as a ``Failure``: ``timeout`` at the deadline (monotonic seconds), whatever
    the peer does; ``protocol`` beyond the cap; ``reset`` when the peer hangs up; ``tls``. Timeouts that a library
    sets are ignored. Closing never waits.
    """

    def __init__(self, sock: socket.socket, deadline: float, cap: int) -> None:
        self._socket = sock
        self._deadline = deadline
        self._cap = cap
        self._reader: Reader | None = None
        self.received = 0
        """Bytes read so far, TLS aside."""
        self.spoken = False
        """The peer has sent something, be it only its part of a TLS handshake."""
        self.kept = False
        """Closing is left to whoever takes the socket over."""
        self.farewell = b""
        """Sent on closing, if it can be at once; even after the deadline, as it asks for no time."""

    def recv(self, size: int) -> bytes:
        with self._bounded("waiting for the server") as sock:
            data = sock.recv(min(size, self._room()))
        self._count(len(data))
        return data

    def recv_into(self, buffer: WriteableBuffer) -> int:
        with self._bounded("waiting for the server") as sock:
            size = sock.recv_into(buffer, min(memoryview(buffer).nbytes, self._room()))
        self._count(size)
        return size

    def sendall(self, data: ReadableBuffer) -> None:
        with self._bounded("sending") as sock:
            sock.sendall(data)

    def makefile(self, mode: str) -> Reader:
        """A buffered reader; closing it leaves the line open. Only ``"rb"`` is there."""
        if mode != "rb":
            raise ValueError(f"a line is read in bytes, not as {mode!r}")
        self._reader = Reader(self)
        return self._reader

    def start_tls(self, tls: Tls) -> None:
        """Speaks TLS from here on. The handshake, the certificate and its name are checked under the same deadline."""
        with self._bounded("TLS handshake"):
            wrapped = tls.context.wrap_socket(
                self._socket, server_hostname=tls.server_name, do_handshake_on_connect=False
            )
            self._socket = wrapped
        try:
            with self._bounded("TLS handshake"):
                wrapped.do_handshake()
        except Failure as failure:
            self.spoken = self.spoken or failure.reason is Reason.TLS
            raise
        self.spoken = True

    @property
    def unread(self) -> int:
        """Bytes of the peer that nobody has asked for yet, as far as they have left the kernel."""
        inside = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return inside + (self._reader.unread if self._reader else 0)

    def settimeout(self, _seconds: float | None) -> None:
        """Nothing: the deadline owns the time."""

    def gettimeout(self) -> float | None:
        return max(self._deadline - time.monotonic(), 0.0)

    def fileno(self) -> int:
        return self._socket.fileno()

    def hand_over(self) -> socket.socket:
        """The socket, non-blocking, for somebody else to own."""
        self._socket.settimeout(0)
        return self._socket

    def shutdown(self, how: int) -> None:
        if self.kept:
            return
        with suppress(OSError):
            self._socket.shutdown(how)

    def close(self) -> None:
        if self.kept:
            return
        farewell, self.farewell = self.farewell, b""
        with suppress(OSError):
            self._socket.settimeout(0)
            if farewell:
                self._socket.send(farewell)
        with suppress(OSError):
            self._socket.close()

    @contextmanager
    def _bounded(self, doing: str) -> Iterator[socket.socket]:
        left = self._deadline - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            yield self._socket
        except OSError as error:
            raise failure_of(error, doing) from error

    def _room(self) -> int:
        room = self._cap - self.received
        if room <= 0:
            raise Failure(Reason.PROTOCOL, f"sends more than {self._cap} bytes")
        return room

    def _count(self, size: int) -> None:
        if size == 0:
            when = "in the middle of the talk" if self.received else "without a word"
            raise Failure(Reason.RESET, f"closed the connection {when}")
        self.received += size
        self.spoken = True


class Reader:
    """What PyMySQL takes for a buffered file; it tells what it has read ahead."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._ahead = b""

    @property
    def unread(self) -> int:
        return len(self._ahead)

    def read(self, size: int) -> bytes:
        while len(self._ahead) < size:
            self._ahead += self._line.recv(_READ_SIZE)
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data

    def close(self) -> None:
        """Nothing: the line is closed by its owner."""
