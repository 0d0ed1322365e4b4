"""Opening a TCP connection under a deadline, telling our own faults from the peer's."""

from __future__ import annotations

import errno
import math
import os
import select
import socket
import time

from mooring.protocols.failure import Failure
from mooring.protocols.line import Line, failure_of
from mooring.reasons import Reason

_ANSWERED_AT_ONCE = (errno.ECONNREFUSED, errno.ECONNRESET)
"""On loopback the peer's answer is there before connect() returns; every other immediate error is our own."""


def dial(address: str, port: int, deadline: float, cap: int) -> Line:
    """A line to ``address`` (an IP literal) until ``deadline`` (monotonic seconds) that reads at most ``cap`` bytes.

    Raises:
        Failure: ``refused``, ``reset``, ``timeout``; ``unreachable`` when an ICMP answer came later; ``local`` when
            connect() itself gave the error: no route, no descriptor, no free port, a firewall of our own.
    """
    sock = connecting(address, port)
    try:
        _wait(sock, deadline)
        connected(sock)
    except BaseException:
        sock.close()
        raise
    return Line(sock, deadline, cap)


def connecting(address: str, port: int) -> socket.socket:
    """A non-blocking socket on its way to ``address`` (an IP literal); it becomes writable once that has ended.

    Raises:
        Failure: ``local``: no route, no descriptor, no free port, a firewall of our own; ``refused`` or ``reset``
            where the answer is there at once.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise _local(error) from error
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((address, port))
    except BlockingIOError:
        pass
    except OSError as error:
        sock.close()
        raise failure_of(error, "connecting") if error.errno in _ANSWERED_AT_ONCE else _local(error) from error
    return sock


def _wait(sock: socket.socket, deadline: float) -> None:
    poller = select.poll()
    poller.register(sock, select.POLLOUT)
    left = max(deadline - time.monotonic(), 0)
    if not poller.poll(math.ceil(left * 1000)):
        raise Failure(Reason.TIMEOUT, "no whole answer in time (connecting)")


def connected(sock: socket.socket) -> None:
    """Returns if the connection stands; to be called once the socket is writable. Leaves the socket open.

    Raises:
        Failure: ``refused``, ``reset``, ``timeout``, ``unreachable``.
    """
    if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise failure_of(OSError(code, os.strerror(code)), "connecting")
    try:
        own = sock.getsockname() == sock.getpeername()
    except OSError as error:  # hung up already
        raise failure_of(error, "connecting") from error
    # TCP's simultaneous open: on loopback, a closed port can be the very port that we were given ourselves.
    if own:
        raise Failure(Reason.REFUSED, "nothing listens: reached our own socket (connecting)")


def _local(error: OSError) -> Failure:
    return Failure(Reason.LOCAL, f"{error.strerror or error} (on our side, connecting)")
