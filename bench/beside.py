# ruff: noqa: INP001, S104, S105 -- every address of a namespace of its own, a throw-away password
"""Mooring and HAProxy before the same real server, which stands at many addresses of a namespace of its own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.haproxy import USER

from lab import leftovers
from lab.configuration import PORTS, file, service
from lab.free_ports import free_port
from lab.mooring import Daemon
from lab.network import Network, inside
from lab.process import Server
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until

EVERY = "0.0.0.0"
PASSWORD = "throw-away"
_MANY, _MOST = 4000, 15_000
"""More sessions than any figure wants of MariaDB at once, and of Redis."""
_CROWD = 250
"""Hosts of a Service."""


def addresses(count: int, net: int = 1) -> list[str]:
    """Loopback addresses, which a namespace has all of."""
    return [f"127.{net}.{n // 250}.{n % 250 + 1}" for n in range(count)]


def server(protocol: str, netns: str, address: str = EVERY, port: int | None = None) -> Server:
    """A real one in the namespace, by default on all its addresses."""
    if protocol == "mysql":
        accounts = {"mooring": PASSWORD, USER: ""}
        extra = (f"--max-connections={_MANY}", "--back-log=1000", "--max-connect-errors=1000000")
        return Mariadb(address=address, netns=netns, port=port, accounts=accounts, extra=extra)
    return Redis(address=address, netns=netns, port=port, extra=(f"maxclients {_MOST}",))


def hosts(places: Sequence[tuple[str, int]], net: int = 1, usual: int = 0) -> list[dict[str, object]]:
    """Entries of ``hosts``; an address on loopback is probed and never published. ``usual``: the Service's port."""
    return [
        {"address": f"10.{20 + net}.{n // 250}.{n % 250 + 1}", "probeAddress": address}
        | ({} if port == usual else {"probePort": port})
        for n, (address, port) in enumerate(places)
    ]


def login(protocol: str, folder: Path, given: Mapping[str, object] | None, password: str) -> dict[str, object]:
    """How Mooring logs in, and what else it asks."""
    if protocol != "mysql" and given is None:
        return {}
    secret = folder / "password"
    secret.write_text(password)
    return {"user": "mooring", "passwordFile": str(secret), **(given or {})}


@contextlib.contextmanager
def stage(*protocols: str) -> Iterator[tuple[Network, list[Server]]]:
    """A namespace with a real server for each protocol."""
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(hosts=0))
        servers = [stack.enter_context(server(protocol, network.node.netns)) for protocol in protocols]
        yield network, servers


@contextlib.contextmanager
def mooring(
    places: Mapping[str, Sequence[tuple[str, int]]],
    netns: str | None,
    *,
    period: float,
    timeout: float,
    check: Mapping[str, float] | None = None,
    block: Mapping[str, object] | None = None,
    password: str = PASSWORD,
    **how: Any,
) -> Iterator[Daemon]:
    """The whole daemon with its default log and its metrics, all hosts ready; ``how`` are words of ``Daemon``."""
    with leftovers.scratch("bench") as folder:
        services = [
            one
            for net, protocol in enumerate(places, 1)
            for one in crowded(protocol, places[protocol], net, login(protocol, folder, block, password))
        ]
        text = file(*services, period=period, timeout=timeout, **(check or {}))
        compact = json.dumps(json.loads(text), separators=(",", ":"))  # a file has 1 MiB at most
        daemon = Daemon(compact, folder / "state", netns=netns, **how)
        with inside(netns):
            daemon.port = free_port()
        with daemon:
            count = sum(map(len, places.values()))
            each = 0.2 + count / 2000  # a look at very many hosts takes its time
            wait_until(lambda: ready(daemon) == count, 120, f"{count} hosts to be ready", every=each)
            yield daemon


def crowded(
    protocol: str, places: Sequence[tuple[str, int]], net: int, block: Mapping[str, object]
) -> Iterator[dict[str, Any]]:
    """Services of so many hosts that each could be published."""
    all_hosts = hosts(places, net, PORTS[protocol])
    for number in range(0, len(all_hosts), _CROWD):
        yield service(f"{protocol}-{number}", protocol, all_hosts[number : number + _CROWD], block=block)


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
