"""The ports on which the tests' servers listen."""

from __future__ import annotations

import socket

import pytest

from lab import process
from lab.listeners import closed_port
from lab.process import free_port


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_server_gets_its_port_again(address: str) -> None:
    """The kernel gives none of them to a connection, so that a server that was killed starts on it anew."""
    port = free_port(address)
    for _ in range(2):
        with socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET):
            pass
    with socket.create_server(("127.0.0.1", 0)) as given_by_the_kernel:
        assert port < process._ephemeral_from() <= given_by_the_kernel.getsockname()[1]


def test_a_closed_port_stays_closed() -> None:
    """The kernel gives it to nobody: neither to a listener nor to the very connection that is to be refused."""
    assert closed_port() < process._ephemeral_from()


def test_a_port_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else this machine runs."""
    taken, free = free_port(), free_port()
    monkeypatch.setattr("lab.process.random.sample", lambda *_: [taken, free])
    with socket.create_server(("127.0.0.1", taken)):
        assert free_port() == free


def test_a_node_of_a_redis_cluster_gets_both_of_its_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one, at which it hears the other nodes, may be taken as well."""
    beside = 10_000
    taken, free = free_port(beside=beside), free_port(beside=beside)
    assert free + beside < process._ephemeral_from()
    monkeypatch.setattr("lab.process.random.sample", lambda *_: [taken, free])
    with socket.create_server(("127.0.0.1", taken + beside)):
        assert free_port(beside=beside) == free
