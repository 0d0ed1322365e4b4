"""Two real MariaDB and two real Redis servers, each a host of its own network, and the daemon that watches them.

node  the daemon ──┬── db1 MariaDB ┐
                   ├── db2 MariaDB ┘ default/mysql
                   ├── db3 Redis ┐
                   └── db4 Redis ┘ default/redis
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lab import configuration
from lab.history import History, Version
from lab.mooring import Daemon
from lab.network import Host, Network
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from support.servers_by_name import ServersByName

PERIOD = 0.2
LOGIN = 1.0
"""What a held session hides is found soon."""
USER, PASSWORD = "mooring", "throw-away-of-a-test"
SERVICES = {"default/mysql": ("db1", "db2"), "default/redis": ("db3", "db4")}
_LOADABLE = ("enable-debug-command local", "loading-process-events-interval-bytes 1024", "key-load-delay 100")


@dataclass(frozen=True)
class Scene(ServersByName):
    """All that a test of a fault needs; ``secret`` is the password file that both Services name."""

    network: Network
    servers: Mapping[str, Server]
    daemon: Daemon
    history: History
    secret: Path

    def host(self, name: str) -> Host:
        return self.network[name]

    def addresses(self, service: str) -> list[str]:
        return [self.network[name].address for name in SERVICES[service]]

    def row(self, name: str) -> dict[str, Any]:
        """The host's entry in the status document."""
        rows = (row for service in self.daemon.status()["services"] for row in service["hosts"])
        return next(row for row in rows if row["name"] == name)

    def now(self) -> int:
        """For ``after`` in the daemon's logs."""
        return len(self.daemon.output)

    def versions(self) -> dict[str, list[Version]]:
        """Every version of each manifest until now."""
        return {service: self.history.of(service) for service in SERVICES}

    def wait_probes(self, name: str, count: int, **fields: object) -> None:
        """Waits for so many probes of the host that end from now on, each with these fields in its log line."""
        after = self.now()
        found = {"address": self.network[name].address, **fields}
        wait_until(lambda: len(self.daemon.logs("probe", after=after, **found)) >= count, 15, f"{count} x {found}")

    def wait_healthy(self) -> None:
        """Waits until every host is published as ready, and its last probe and the history say so."""
        for service in SERVICES:
            wanted = self.addresses(service)
            self.daemon.wait_ready(service, wanted, timeout=30)
            wait_until(partial(self._recorded, service, wanted), 5, f"{service} to be recorded")
        wait_until(lambda: {self.row(name)["reason"] for name in self.servers} == {"ok"}, 15, "every reason to be ok")

    def _recorded(self, service: str, ready: list[str]) -> bool:
        versions = self.history.of(service)
        return bool(versions) and versions[-1].ready == ready


def service_of(name: str) -> str:
    return next(service for service, hosts in SERVICES.items() if name in hosts)


@contextlib.contextmanager
def scene(directory: Path, *, period: float = PERIOD, login: float = LOGIN) -> Iterator[Scene]:
    """Starts all of it and waits until every host is published."""
    secret = directory / "password"
    secret.write_text(f"{PASSWORD}\n")
    with contextlib.ExitStack() as undo:
        network = undo.enter_context(Network(hosts=4))
        servers: dict[str, Server] = {}
        for number in range(1, 5):
            host = network[f"db{number}"]
            servers[host.name] = _server(host, number)
            undo.callback(servers[host.name].close)
        start_all(*servers.values())
        history = undo.enter_context(History(directory / "state"))
        text = _file(network, secret, period, login)
        where = directory / "state"
        daemon = undo.enter_context(Daemon(text, where, netns=network.node.netns, args=("--log-level", "debug")))
        made = Scene(network, servers, daemon, history, secret)
        made.wait_healthy()
        yield made


def _server(host: Host, number: int) -> Server:
    accounts = {USER: PASSWORD}
    if number <= 2:
        return Mariadb(netns=host.netns, address=host.address, accounts=accounts)
    return Redis(netns=host.netns, address=host.address, accounts=accounts, extra=_LOADABLE)


def _file(network: Network, secret: Path, period: float, login: float) -> str:
    block = {"user": USER, "passwordFile": str(secret)}
    services = []
    for key, names in SERVICES.items():
        name = key.partition("/")[2]
        hosts = [{"name": host, "address": network[host].address} for host in names]
        services.append(configuration.service(name, name, hosts, block=block))
    return configuration.file(*services, period=period, loginSeconds=login)
