"""The ground that scenarios stand on: networks of their own, and faults that look to a client as they should."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import leftovers
from lab.network import Host, Network, inside
from lab.servers import Redis
from lab.waiting import wait_until
from support.killed_run import killed_run

pytestmark = pytest.mark.needs_root

PORT = 7000
SECONDS, SILENT = 30.0, 0.5
"""How long an answer may take on a busy machine, and how long one waits for an answer that should not come."""
LESS = 1.9
"""Less than a slow host ever takes; on a busy machine another one takes longer now and then."""


def echo(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    with connection:
        try:
            while said := connection.recv(16):
                connection.sendall(said)
        except OSError:
            pass  # the reset that the test asked for


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Two hosts, each with an echo server."""
    with Network(hosts=2) as made:
        listeners = []
        for name in ("db1", "db2"):
            with inside(made[name].netns):
                listeners.append(socket.create_server((made[name].address, PORT)))
        for listener in listeners:
            threading.Thread(target=echo, args=(listener,), daemon=True).start()
        yield made
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


@pytest.fixture
def host(network: Network) -> Iterator[Host]:
    yield network["db1"]
    network["db1"].heal()
    wait_until(lambda: outcome(network, network["db1"]) == "answers", 5, "the healed host to answer")


def connect(network: Network, host: Host, within: float = SECONDS) -> socket.socket:
    with inside(network.node.netns):
        return socket.create_connection((host.address, PORT), within)


def outcome(network: Network, host: Host, within: float = SECONDS) -> str:
    """How a new connection ends: ``answers``, ``timeout``, or the name of the error number."""
    try:
        with connect(network, host, within) as connection:
            return holds(connection)
    except OSError as error:
        return ended(error)


def holds(connection: socket.socket) -> str:
    """How a question over a connection ends."""
    try:
        connection.sendall(b"?")
        return "answers" if connection.recv(1) else "closed"
    except OSError as error:
        return ended(error)


def ended(error: OSError) -> str:
    return "timeout" if isinstance(error, TimeoutError) else errno.errorcode[error.errno or 0]


FAULTS = [
    pytest.param(Host.drop, "timeout", "timeout", id="drop"),
    pytest.param(Host.drop_new, "timeout", "answers", id="drop new flows only"),
    pytest.param(lambda host: host.drop(PORT), "timeout", "timeout", id="drop one port"),
    pytest.param(lambda host: host.drop(PORT + 1), "answers", "answers", id="drop another port"),
    pytest.param(lambda host: host.reject("host-unreachable"), "EHOSTUNREACH", "timeout", id="reject host unreachable"),
    pytest.param(lambda host: host.reject("admin-prohibited"), "EHOSTUNREACH", "timeout", id="reject prohibited"),
    pytest.param(lambda host: host.reject("port-unreachable"), "ECONNREFUSED", "timeout", id="reject port unreachable"),
    pytest.param(lambda host: host.reject("tcp-reset"), "ECONNREFUSED", "ECONNRESET", id="reject by reset"),
    pytest.param(Host.link_down, "timeout", "timeout", id="link down"),
]


@pytest.mark.parametrize(("fault", "new", "held"), FAULTS)
def test_fault_looks_as_it_should(
    network: Network, host: Host, fault: Callable[[Host], None], new: str, held: str
) -> None:
    """Each fault ends new and held connections its own way, and leaves the other host alone."""
    with connect(network, host) as connection:
        assert holds(connection) == "answers"
        fault(host)
        assert outcome(network, host, patience(new)) == new
        connection.settimeout(patience(held))
        assert holds(connection) == held
        assert outcome(network, network["db2"]) == "answers"


def patience(expected: str) -> float:
    return SILENT if expected == "timeout" else SECONDS


def test_slow_host_answers_late(network: Network, host: Host) -> None:
    """A slow host is late by what it was told, on new and on held connections, until healed; the others are not."""
    with connect(network, host) as connection:
        host.slow(1.0)
        started = time.monotonic()
        assert holds(connection) == "answers"
        assert 2.0 <= time.monotonic() - started < 30
        assert outcome(network, host, 1.0) == "timeout"
        wait_until(lambda: outcome(network, network["db2"], LESS) == "answers", 5, "the other to answer in time")
        host.heal()
        assert holds(connection) == "answers"
    wait_until(lambda: outcome(network, host, LESS) == "answers", 5, "the healed one to answer in time")


def test_cut_off_prober_hears_nobody(network: Network) -> None:
    """Dropping what comes in to the prober's own namespace silences every host at once, until healed."""
    network.node.drop()
    try:
        assert {outcome(network, network[name], SILENT) for name in ("db1", "db2")} == {"timeout"}
    finally:
        network.node.heal()
    assert {outcome(network, network[name]) for name in ("db1", "db2")} == {"answers"}


@pytest.mark.needs_servers
def test_server_lives_in_its_host(network: Network) -> None:
    """A server in a namespace is met at the host's address from the prober's, and not from outside."""
    host = network["db2"]
    with Redis(netns=host.netns, address=host.address) as server:
        with inside(network.node.netns), socket.create_connection((host.address, server.port), SECONDS) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(16) == b"+PONG\r\n"
        with inside(network["db1"].netns), socket.create_connection((host.address, 6379), SECONDS):
            pass


def test_networks_do_not_meet() -> None:
    """Two networks at once have the same addresses and do not notice each other; both vanish afterwards."""
    with Network() as one, Network() as other:
        names = [host.netns for network in (one, other) for host in network.hosts]
        assert one["db1"].address == other["db1"].address
        assert len(set(names)) == 4
    assert not [name for name in names if Path("/run/netns", name).exists()]


def test_leftovers_of_a_killed_run_are_removed() -> None:
    """Namespaces of a run that was killed with -9 go with the next sweep, and what ran in them."""
    program = (
        "import subprocess; from lab.network import Network, inside; network = Network().__enter__()\n"
        "with inside(network['db1'].netns): sleeper = subprocess.Popen(['sleep', '600'])\n"
        "print(sleeper.pid, *(host.netns for host in network.hosts), flush=True); input()"
    )
    with killed_run(program) as (pid, *namespaces):
        assert not set(namespaces) & set(leftovers.sweep()), "nothing is removed while its maker lives"
    leftovers.sweep()
    wait_until(lambda: not [name for name in namespaces if Path("/run/netns", name).exists()], 10, "all to be removed")
    wait_until(lambda: not leftovers.alive(int(pid)), 10, "what ran there to end")
