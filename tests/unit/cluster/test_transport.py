"""Connections to an API server that know the call they serve."""

from __future__ import annotations

import socket

import pytest

from lab.listeners import closed_port, listening
from mooring.cluster import transport
from mooring.cluster.deadline import Deadline
from mooring.cluster.server_name import ServerNames


def test_the_next_address_is_tried_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server behind several addresses is reached while one of them answers."""
    with listening() as port:
        names = ServerNames(lambda _name, _port: ("127.0.0.2", "127.0.0.1"))
        monkeypatch.setattr(transport, "_names", names)
        with Deadline(60) as call, transport._connected("api.test", port, call) as line:
            assert line.getpeername() == ("127.0.0.1", port)


def test_a_connection_has_the_options_that_notice_a_dead_way() -> None:
    """Keepalives where it waits, a bound for what was sent and not acknowledged."""
    with listening() as port, Deadline(60) as call, transport._connected("127.0.0.1", port, call) as line:
        for level, option, value in transport.SOCKET_OPTIONS:
            assert line.getsockopt(level, option) == value


def test_where_nobody_listens_the_error_is_the_last_one() -> None:
    """And an address needs no lookup."""
    with Deadline(60) as call, pytest.raises(ConnectionRefusedError):
        transport._connected("127.0.0.1", closed_port(), call)


def test_nothing_is_connected_or_sent_after_the_end_of_a_call() -> None:
    """A daemon that was stopped past its Lease sends nothing with what it knew before."""
    ours, theirs = socket.socketpair()
    connection = transport._Connection("127.0.0.1", 1)
    connection.sock = ours
    with ours, theirs, listening() as port, Deadline(60) as call:
        transport.sends(call)
        call.end()
        with pytest.raises(TimeoutError):
            transport._connected("127.0.0.1", port, call)
        with pytest.raises(TimeoutError):
            connection.send(b"PATCH / HTTP/1.1\r\n")
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
