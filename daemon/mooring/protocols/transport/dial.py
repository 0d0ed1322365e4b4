"""Opens a TCP connection under a deadline, and distinguishes faults of Mooring's side from the host's."""

from __future__ import annotations

import errno
import math
import os
import select
import socket
import time

from mooring.model.reasons import Reason
from mooring.protocols.transport.failure import Failure, overdue
from mooring.protocols.transport.line import BoundedSocket, failure_of

_ANSWERED_AT_ONCE = (errno.ECONNREFUSED, errno.ECONNRESET)
"""On loopback the host's answer is there before connect() returns; every other immediate error is a local fault."""


def dial(address: str, port: int, deadline: float, cap: int) -> BoundedSocket:
    """A line to ``address`` (an IP literal) until ``deadline`` (monotonic seconds) that reads at most ``cap`` bytes.

    Raises:
        Failure: ``refused``, ``reset``, ``timeout``; ``unreachable`` when an ICMP answer came later; ``local`` when
            connect() itself gave the error: no route, no descriptor, no free port, a local firewall.
    """
    sock = connecting(address, port)
    try:
        _wait(sock, deadline)
        check_connected(sock)
    except BaseException:
        sock.close()
        raise
    return BoundedSocket(sock, deadline, cap)


def connecting(address: str, port: int) -> socket.socket:
    """A non-blocking socket on its way to ``address`` (an IP literal); writable once it has connected or failed.

    Raises:
        Failure: ``local``: no route, no descriptor, no free port, a local firewall; ``refused`` or ``reset``
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
        raise overdue("connecting", time.monotonic() - deadline)


def check_connected(sock: socket.socket) -> None:
    """Checks that the connection stands, once the socket is writable. Leaves the socket open.

    Raises:
        Failure: ``refused``, ``reset``, ``timeout``, ``unreachable``.
    """
    if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise failure_of(OSError(code, os.strerror(code)), "connecting")
    try:
        own = sock.getsockname() == sock.getpeername()
    except OSError as error:  # the host has hung up already
        raise failure_of(error, "connecting") from error
    # TCP's simultaneous open: on loopback, the kernel may give Mooring's socket the very port that it dials.
    if own:
        raise Failure(Reason.REFUSED, "nothing listens: reached our own socket (connecting)")


def _local(error: OSError) -> Failure:
    return Failure(Reason.LOCAL, f"{error.strerror or error} (on our side, connecting)")
