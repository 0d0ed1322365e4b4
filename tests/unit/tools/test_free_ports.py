"""The ports on which the tests' servers listen."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.free_ports import FreePorts, ephemeral_from, free_port
from lab.listeners import closed_port

MANY = 300
BESIDE = 10_000
TOOLS = str(Path(__file__).parents[3] / "tools")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_server_gets_its_port_again(address: str) -> None:
    """The kernel gives none of them to a connection, so that a server that was killed starts on it anew."""
    port = free_port(address)
    for _ in range(2):
        with socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET):
            pass
    with socket.create_server(("127.0.0.1", 0)) as given_by_the_kernel:
        assert port < ephemeral_from() <= given_by_the_kernel.getsockname()[1]


def test_a_closed_port_stays_closed() -> None:
    """The kernel gives it to nobody: neither to a listener nor to the very connection that is to be refused."""
    assert closed_port() < ephemeral_from()


def test_a_port_that_is_taken_is_passed_over() -> None:
    """Whatever else this machine runs."""
    taken, free = free_port(), free_port()
    with socket.create_server(("127.0.0.1", taken)):
        assert FreePorts([taken, free]).take() == free


def test_no_port_is_given_twice() -> None:
    """Neither to two servers that listen later, nor to the second port of a node of a Redis cluster."""
    nodes = [free_port(beside=BESIDE) for _ in range(20)]
    given = [*nodes, *(node + BESIDE for node in nodes), *(free_port() for _ in range(MANY))]
    assert len(set(given)) == len(given)


def test_two_processes_have_ports_apart() -> None:
    """Tests run in several processes, and whole runs beside each other."""
    here = {free_port() for _ in range(MANY)}
    ask = f"from lab.free_ports import free_port; print(*(free_port() for _ in range({MANY})))"
    there = subprocess.run(
        [sys.executable, "-c", ask], check=True, text=True, capture_output=True, env={"PYTHONPATH": TOOLS}
    )
    assert here.isdisjoint(int(port) for port in there.stdout.split())


def test_a_node_of_a_redis_cluster_gets_both_of_its_ports() -> None:
    """The second one, at which it hears the other nodes, may be taken as well."""
    taken, free = free_port(beside=BESIDE), free_port(beside=BESIDE)
    assert free + BESIDE < ephemeral_from()
    with socket.create_server(("127.0.0.1", taken + BESIDE)):
        assert FreePorts([taken, taken + BESIDE, free, free + BESIDE]).take(beside=BESIDE) == free


def test_none_is_left() -> None:
    """Then a test says so instead of waiting for a server that cannot listen."""
    with pytest.raises(RuntimeError, match="no free port at"):
        FreePorts([free_port()]).take(beside=BESIDE)
