# ruff: noqa: INP001, S104, S105 -- every address of a namespace of its own, a throw-away password
"""Mooring and HAProxy before the same real server, which stands at many addresses of a namespace of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.haproxy import USER

from ground import leftovers
from ground.configuration import file, service
from ground.mooring import Daemon
from ground.network import Network, entered
from ground.process import Server, free_port
from ground.servers import Mariadb, Redis
from ground.waiting import wait_until

EVERY = "0.0.0.0"
PASSWORD = "throw-away"
_MANY = 4000
"""More sessions than any figure wants at once."""


def addresses(count: int, net: int = 1) -> list[str]:
    """Loopback addresses, which a namespace has all of."""
    return [f"127.{net}.{n // 250}.{n % 250 + 1}" for n in range(count)]


def server(protocol: str, netns: str, address: str = EVERY) -> Server:
    """A real one in the namespace, by default on all its addresses."""
    if protocol == "mysql":
        accounts = {"mooring": PASSWORD, USER: ""}
        extra = (f"--max-connections={_MANY}", "--back-log=1000", "--max-connect-errors=1000000")
        return Mariadb(address=address, netns=netns, accounts=accounts, extra=extra)
    return Redis(address=address, netns=netns, extra=(f"maxclients {2 * _MANY}",))


def hosts(places: Sequence[tuple[str, int]], net: int = 1) -> list[dict[str, object]]:
    """Entries of ``hosts``; an address on loopback is probed and never published."""
    return [
        {"address": f"10.{20 + net}.{n // 250}.{n % 250 + 1}", "probeAddress": address, "probePort": port}
        for n, (address, port) in enumerate(places)
    ]


def block(protocol: str, folder: Path) -> dict[str, str]:
    """How Mooring logs in."""
    if protocol != "mysql":
        return {}
    secret = folder / "password"
    secret.write_text(PASSWORD)
    return {"user": "mooring", "passwordFile": str(secret)}


@contextlib.contextmanager
def stage(*protocols: str) -> Iterator[tuple[Network, list[Server]]]:
    """A namespace with a real server for each protocol."""
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(hosts=0))
        servers = [stack.enter_context(server(protocol, network.node.netns)) for protocol in protocols]
        yield network, servers


@contextlib.contextmanager
def mooring(
    places: Mapping[str, Sequence[tuple[str, int]]], netns: str | None, *, period: float, timeout: float, **check: float
) -> Iterator[Daemon]:
    """The whole daemon with its default log and its metrics, one Service for each protocol, all hosts ready."""
    with leftovers.scratch("bench") as folder:
        services = [
            service(protocol, protocol, hosts(at, net), block=block(protocol, folder))
            for net, (protocol, at) in enumerate(places.items(), 1)
        ]
        text = file(*services, period=period, timeout=timeout, **check)
        daemon = Daemon(text, folder / "state", netns=netns)
        with entered(netns):
            daemon.port = free_port()
        with daemon:
            count = sum(map(len, places.values()))
            wait_until(lambda: ready(daemon) == count, 60, f"{count} hosts to be ready", every=0.5)
            yield daemon


def ready(daemon: Daemon) -> int:
    """How many hosts are judged ready now."""
    return metric(daemon, "mooring_host_ready")


def checks(daemon: Daemon) -> int:
    """Checks that it has done, by its own count."""
    return metric(daemon, "mooring_probe_duration_seconds_count")


def metric(daemon: Daemon, name: str) -> int:
    """The sum of all series of that name."""
    try:
        page = daemon.get("/metrics")[1].decode()
    except OSError:  # it does not listen yet
        return 0
    return sum(int(float(line.split()[-1])) for line in page.splitlines() if line.startswith(f"{name}{{"))
