"""Opening connections."""

from __future__ import annotations

import resource
import select
import socket
import time

import pytest

from lab.free_ports import free_port
from mooring.model.reasons import Reason
from mooring.protocols.transport.dial import check_connected, connecting, dial
from mooring.protocols.transport.failure import Failure
from support.rogue_servers import SCRIPTS, rogue


def _fails(address: str, port: int, seconds: float = 20.0) -> Failure:
    with pytest.raises(Failure) as caught:
        dial(address, port, time.monotonic() + seconds, 1024)
    return caught.value


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_listening_port_is_reached(address: str) -> None:
    """IPv4 and IPv6 alike."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        line = dial(address, listener.getsockname()[1], time.monotonic() + 20, 1024)
        assert line.fileno() > 0
        line.close()


def test_a_closed_port_is_refused() -> None:
    """A refusal is the host's answer, though loopback gives it before connect() returns."""
    assert _fails("127.0.0.1", free_port()).reason is Reason.REFUSED


def test_a_host_that_does_not_accept_ends_at_the_deadline() -> None:
    """A dropped SYN is a timeout, after the time that was given and no longer."""
    with rogue(SCRIPTS["never-accepts"]) as server:
        started = time.monotonic()
        assert _fails(server.address, server.port, 0.2).reason is Reason.TIMEOUT
        assert 0.2 <= time.monotonic() - started < 10


def test_a_deadline_in_the_past_ends_at_once() -> None:
    """A probe that used up its time before it dialled does not dial for ever."""
    with rogue(SCRIPTS["never-accepts"]) as server:
        assert _fails(server.address, server.port, -1).reason is Reason.TIMEOUT


def test_an_address_without_a_route_is_our_fault() -> None:
    """An error of connect() itself is no evidence about the host; TCP to a broadcast address leaves no machine."""
    failure = _fails("255.255.255.255", 3306)
    assert failure.reason is Reason.LOCAL
    assert "on our side" in failure.message


def test_no_descriptor_left_is_our_fault() -> None:
    """A prober that ran out of descriptors calls no host dead."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        failure = _fails("127.0.0.1", 3306)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert failure.reason is Reason.LOCAL
    assert "Too many open files" in failure.message


def test_a_connection_may_be_watched_by_somebody_else() -> None:
    """In two steps without waiting: on its way, and, once it is writable, whether it stands."""
    with rogue(SCRIPTS["silent"]) as server, connecting(server.address, server.port) as sock:
        assert sock.getblocking() is False
        select.select([], [sock], [], 20)
        check_connected(sock)
        assert sock.getpeername() == (server.address, server.port)


def test_a_connection_that_was_reset_does_not_stand() -> None:
    """The failure is raised once the socket is writable; its owner closes the socket."""
    with rogue(SCRIPTS["resets"]) as server:
        sock = connecting(server.address, server.port)
        with sock:
            poller = select.poll()
            poller.register(sock, 0)
            assert poller.poll(5000), "no end of the connection"
            with pytest.raises(Failure) as caught:
                check_connected(sock)
            assert sock.fileno() > 0
    assert caught.value.reason is Reason.RESET
