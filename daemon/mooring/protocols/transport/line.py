"""A connected socket with a total deadline and a cap of bytes."""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from mooring.model.reasons import Reason
from mooring.protocols.transport.failure import Failure, overdue
from mooring.protocols.transport.tls import Tls, not_after

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

ERRNOS: Mapping[int, Reason] = MappingProxyType(
    {
        errno.ECONNREFUSED: Reason.REFUSED,
        errno.ECONNRESET: Reason.RESET,
        errno.ECONNABORTED: Reason.RESET,
        errno.EPIPE: Reason.RESET,
        errno.ENOTCONN: Reason.RESET,  # the connection has ended meanwhile
        errno.ETIMEDOUT: Reason.TIMEOUT,
        errno.EHOSTUNREACH: Reason.UNREACHABLE,
        errno.ENETUNREACH: Reason.UNREACHABLE,
        errno.EHOSTDOWN: Reason.UNREACHABLE,
        # ICMP "protocol unreachable" and ICMPv6 "administratively prohibited" (icmp_err_convert in Linux).
        errno.ENOPROTOOPT: Reason.UNREACHABLE,
        errno.EACCES: Reason.UNREACHABLE,
    }
)
"""What an error of a connection means; any other error is a fault of Mooring's side: ``local``."""


ENDS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""The peer has closed a TLS connection, without TLS' farewell or with it. Which of the two is raised where the farewell
is missing differs between versions of Python and OpenSSL."""


NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""A socket that may not wait can neither read nor write now."""


def failure_of(error: OSError, doing: str) -> Failure:
    """Translates the error of a socket; ``doing``: what Mooring was doing, in words."""
    if isinstance(error, TimeoutError):
        return overdue(doing, 0.0)
    if isinstance(error, ENDS):
        return Failure(Reason.RESET, f"closed the connection ({doing})")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(Reason.TLS, f"certificate: {error.verify_message}", f"tls:certificate {error.verify_code}")
    if isinstance(error, ssl.SSLError):
        return _tls_failure((error.reason or str(error)).replace("_", " ").lower())
    return Failure(ERRNOS.get(error.errno or 0, Reason.LOCAL), f"{error.strerror or error} ({doing})")


def _tls_failure(message: str) -> Failure:
    return Failure(Reason.TLS, message, f"tls:{message}")


_READ_SIZE = 4096
"""Bytes that one read takes at most."""


class BoundedSocket:
    """Stands in for a socket in a client library, under one total deadline and one cap of bytes read.

    Every end other than success is raised as a ``Failure``: ``timeout`` at the deadline (monotonic seconds), whatever
    the peer does, or ``local`` where Mooring itself comes long after it; ``protocol`` beyond the cap; ``reset`` when
    the peer hangs up; ``tls``. Timeouts that a library sets are ignored. Closing never waits.

    Past the deadline nothing waits, but what is there is read: the host does not pay for a thread that was held up.
    What is to be sent is sent: a server that was asked nothing would leave the connection open for ever.
    """

    def __init__(self, sock: socket.socket, deadline: float, cap: int, *, outlives: bool = False) -> None:
        self._socket = sock
        self._deadline = deadline
        self._cap = cap
        self._outlives = outlives
        """The socket stays open at the deadline, so that its owner can wait for the server."""
        self.overdue = False
        """The deadline has passed, and the socket stays open."""
        self.shakes_hands = False
        """The TLS handshake is under way."""
        self._reader: Reader | None = None
        self.received = 0
        """Bytes read so far, without those of TLS itself."""
        self._received_before_tls = -1
        """Bytes read before TLS; -1: there is no TLS."""
        self.spoken = False
        """The peer has sent something, even if only a part of a TLS handshake."""
        self.certificate = b""
        """The server's, in DER, verified or not; empty before TLS."""
        self.not_after: float | None = None
        """When the server's certificate expires, in Unix seconds; None where none was verified."""
        self.kept = False
        """``close`` does nothing: somebody else takes the socket over."""
        self.farewell = b""
        """Bytes to send on closing, if that takes no time; even after the deadline."""
        self.sends_late = True
        """What is to be sent is sent past the deadline as well. False for what changes something on the server."""

    def recv(self, size: int) -> bytes:
        with self._under_deadline("waiting for the server") as sock:
            data = sock.recv(min(size, self._room()))
        self._count(len(data))
        return data

    def recv_into(self, buffer: WriteableBuffer) -> int:
        with self._under_deadline("waiting for the server") as sock:
            size = sock.recv_into(buffer, min(memoryview(buffer).nbytes, self._room()))
        self._count(size)
        return size

    def peek(self, size: int, seconds: float) -> bytes:
        """The first bytes that come within so many seconds, without taking them; empty where none do. Never raises."""
        try:
            self._socket.settimeout(max(0.001, min(seconds, self._deadline - time.monotonic())))
            return self._socket.recv(size, socket.MSG_PEEK)
        except OSError:
            return b""

    def sendall(self, data: ReadableBuffer) -> None:
        late = time.monotonic() - self._deadline
        if late > 0 and not self.sends_late:
            raise overdue("sending", late)
        with self._under_deadline("sending") as sock:
            sock.sendall(data)

    def makefile(self, mode: str) -> Reader:
        """A buffered reader; closing it leaves the line open. Only ``"rb"`` is there."""
        if mode != "rb":
            raise ValueError(f"a line is read in bytes, not as {mode!r}")
        self._reader = Reader(self)
        return self._reader

    def start_tls(self, tls: Tls) -> None:
        """Speaks TLS from now on. Handshake and check of the certificate have the same deadline."""
        with self._under_deadline("TLS handshake"):
            wrapped = tls.context.wrap_socket(
                self._socket, server_hostname=tls.server_name, do_handshake_on_connect=False
            )
            self._socket = wrapped
        self._received_before_tls, self.shakes_hands = self.received, True
        try:
            with self._under_deadline("TLS handshake"):
                wrapped.do_handshake()
        except Failure as failure:
            self.spoken = self.spoken or failure.reason is Reason.TLS
            raise
        self.spoken, self.shakes_hands = True, False
        self.certificate = wrapped.getpeercert(binary_form=True) or b""
        self.not_after = not_after(wrapped)

    def _failure_of_handshake(self, failure: Failure) -> Failure:
        """The failure where the peer hangs up during the TLS handshake or right after it: it refuses TLS."""
        if failure.reason is not Reason.RESET or self.received != self._received_before_tls:
            return failure
        with suppress(OSError, ValueError):
            self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except ENDS:
            pass
        except ssl.SSLError as error:
            if not isinstance(error, ssl.SSLWantReadError):
                return failure_of(error, "TLS handshake")
        except OSError:
            pass
        return _tls_failure("closed the connection during the TLS handshake or right after it")

    @property
    def unread(self) -> int:
        """Bytes of the peer that the library has not read yet, as far as they have left the kernel."""
        inside = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return inside + (self._reader.unread if self._reader else 0)

    def settimeout(self, _seconds: float | None) -> None:
        """Does nothing: the deadline alone bounds the time."""

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
    def _under_deadline(self, doing: str) -> Iterator[socket.socket]:
        try:
            self._socket.settimeout(max(0.0, self._deadline - time.monotonic()))
            yield self._socket
        except OSError as error:
            if not _is_our_deadline(error):
                raise self._failure_of_handshake(failure_of(error, doing)) from error
            self.overdue = self._outlives
            self.kept = self.kept or self._outlives
            raise overdue(doing, time.monotonic() - self._deadline) from error

    def _room(self) -> int:
        room = self._cap - self.received
        if room <= 0:
            raise Failure(Reason.PROTOCOL, f"sends more than {self._cap} bytes")
        return room

    def _count(self, size: int) -> None:
        if size == 0:
            when = "in the middle of the talk" if self.received else "without a word"
            raise self._failure_of_handshake(Failure(Reason.RESET, f"closed the connection {when}"))
        self.received += size
        self.spoken = True


def _is_our_deadline(error: OSError) -> bool:
    """Mooring waited until its own deadline, or may not wait any more; the kernel's ETIMEDOUT is another thing."""
    return isinstance(error, NOT_NOW) or (isinstance(error, TimeoutError) and error.errno != errno.ETIMEDOUT)


class Reader:
    """Stands in for PyMySQL's buffered file; ``unread``: bytes that it has read ahead."""

    def __init__(self, line: BoundedSocket) -> None:
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
        """Does nothing: the owner of the line closes it."""
