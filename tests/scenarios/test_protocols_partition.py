"""What the kernel does with a held session when the network between is cut."""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Iterator

import pytest

from lab.network import Network, inside
from mooring.protocols.transport.keepalive import set_keepalive

pytestmark = pytest.mark.needs_root

PORT = 3306


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(hosts=1) as network:
        yield network


def _listener(network: Network) -> socket.socket:
    with inside(network["db1"].netns):
        return socket.create_server((network["db1"].address, PORT))


def _connection(network: Network) -> socket.socket:
    with inside(network.node.netns):
        return socket.create_connection((network["db1"].address, PORT))


def _error(sock: socket.socket, seconds: float) -> int:
    """The error that ended the connection; 0: it still stands."""
    poller = select.poll()
    poller.register(sock, 0)
    poller.poll(seconds * 1000)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


@pytest.mark.fault(
    "network",
    "A partition under a held session",
    "The session ends after two seconds without an acknowledgement.",
    within="F x P + T",
)
def test_a_partition_ends_a_session_that_is_asked(network: Network) -> None:
    """After two seconds without acknowledgement, not after a quarter of an hour of ever rarer attempts."""
    with _listener(network), _connection(network) as ours, _connection(network) as other:
        set_keepalive(ours, 0.5)
        network["db1"].drop()
        started = time.monotonic()
        for sock in (ours, other):
            sock.send(b"question")
        assert _error(ours, 30) == errno.ETIMEDOUT
        assert time.monotonic() - started > 1.5
        assert _error(other, 0) == 0


@pytest.mark.fault(
    "network",
    "A partition that heals within the timeout",
    "The answer comes, over the same session.",
    within="nothing moves",
)
def test_a_partition_that_heals_in_time_costs_no_session(network: Network) -> None:
    """A few lost packets are sent again, and the answer comes."""
    with _listener(network) as listener, _connection(network) as ours:
        set_keepalive(ours, 60)
        theirs, _ = listener.accept()
        with theirs:
            network["db1"].drop()
            ours.send(b"question")
            assert _error(ours, 0.5) == 0
            network["db1"].heal()
            theirs.settimeout(30)
            assert theirs.recv(64) == b"question"


@pytest.mark.fault(
    "network",
    "A host forgets the session while nobody asks",
    "The keepalive finds that the session is gone.",
    within="nothing moves",
)
def test_a_host_that_came_back_without_the_session_is_found_while_nobody_asks(network: Network) -> None:
    """Its kernel knows nothing of the connection and says so to the keepalive; here a firewall says it instead."""
    with _listener(network), _connection(network) as ours:
        set_keepalive(ours, 1)
        network["db1"].reject("tcp-reset")
        assert _error(ours, 30) == errno.ECONNRESET
