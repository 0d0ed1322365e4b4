"""Connections to an API server that know the call they serve: after its end they send nothing and wait for nothing."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from mooring.cluster.deadline import Deadline
from mooring.cluster.server_name import ServerNames

CONNECT_SECONDS = 3.0
UNHEARD_SECONDS = 3.0
"""How long sent bytes may stay unacknowledged: less than a call may take, so that the next try, over a new connection,
comes within the time of one call."""
POOL_SIZE = 32
"""How many connections are kept for the next calls; as many writes may be under way."""
SOCKET_OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNHEARD_SECONDS * 1000)),
)
"""A connection that a firewall or a load balancer has dropped is noticed within 10 s, also by a watch that waits."""

_sending = threading.local()
_names = ServerNames()


def sends(call: Deadline) -> None:
    """This thread sends for that call from now on: the library has no argument for it."""
    _sending.call = call


class _Bounded(HTTPConnection):
    """Looks up, connects, greets and sends within the call."""

    _guard: socket.socket | None = None
    _call: Deadline | None = None

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            if self._guard is not None:
                self._guard.close()

    def _new_conn(self) -> socket.socket:
        """Replaces the library's own. Only a duplicate can end the socket that the TLS handshake reads from."""
        line = _connected(self._dns_host, self.port, _sending.call)
        self._guard = line.dup()
        _sending.call.attach(self._guard)
        return line

    def send(self, data: Any) -> None:
        # A process that was stopped before this line must not write what it decided then.
        _sending.call.check()
        super().send(data)

    def getresponse(self) -> Any:
        self._call = _sending.call
        self._call.attach(self.sock)
        return super().getresponse()

    def leave_call(self) -> None:
        """The call has its whole answer: its end cuts this connection no more, which serves the next one."""
        if self._call is not None:
            self._call.detach()


class _Connection(_Bounded):
    """Without TLS."""


class _TlsConnection(_Bounded, HTTPSConnection):
    """With it."""


class _Kept(urllib3.HTTPConnectionPool):
    """Keeps connections for the next calls."""

    def _put_conn(self, conn: Any) -> None:
        """Extends the library's own, which it calls once an answer is read to its end."""
        if conn is not None:
            conn.leave_call()
        super()._put_conn(conn)


class _Pool(_Kept):
    ConnectionCls = _Connection


class _TlsPool(_Kept, urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS: Mapping[str, type[urllib3.HTTPConnectionPool]] = MappingProxyType({"http": _Pool, "https": _TlsPool})


def _connected(host: str, port: int, call: Deadline) -> socket.socket:
    """A connection to the first address that accepts; each address gets its share of the time. Raises OSError."""
    addresses = _addresses(host, port, call)
    error: OSError = OSError(f"{host} has no address")
    for tried, address in enumerate(addresses):
        call.check()
        seconds = min(CONNECT_SECONDS, call.remaining / (len(addresses) - tried))
        try:
            line = socket.create_connection((address, port), max(0.001, seconds))
        except OSError as problem:
            error = problem
            continue
        for option in SOCKET_OPTIONS:
            line.setsockopt(*option)
        return line
    raise error


def _addresses(host: str, port: int, call: Deadline) -> Sequence[str]:
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host.strip("[]")))]
    return _names.addresses(host, port, call.remaining)
