"""Twenty real hosts of three protocols, and faults that come and go."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from lab.mooring import Daemon
from lab.network import Host, Network
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from support.oracle import Rules
from support.random_faults import BLACKOUT, NETWORK, PROCESS, Step

ALLOWED = "10.77.0.0/24"
PERIOD, TIMEOUT = 0.5, 0.4
LOCKED_OUT = "locked-out"
"""The account that probes log in with is switched off."""
PAUSED, PAUSE_MILLISECONDS = "paused", 1500
"""The server takes connections and answers nothing, for so long whatever the walk says."""
_PASSWORD = "oars-and-anchors"
_COUNTS = MappingProxyType({"mysql": 3, "redis": 11, "tcp": 6})
COUNT = sum(_COUNTS.values())
_THRESHOLDS = MappingProxyType({"mysql": (2, 3), "redis": (2, 3), "tcp": (3, 2)})
_MANY_ERRORS = ("--max-connect-errors=1000000",)


class Field:
    """``with Field(directory) as field``: all hosts serve. ``field.act(step)`` does what a step of a walk says."""

    namespace = "default"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.network = self._network()
        self.servers: dict[str, Server] = {}
        self.protocols: dict[str, str] = {}
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            hosts = self._hosts(undo)
            (self.directory / "password").write_text(_PASSWORD)
            protocols = [protocol for protocol, count in _COUNTS.items() for _ in range(count)]
            for host, protocol in zip(hosts, protocols, strict=True):
                self.protocols[host.name] = protocol
                self.servers[host.name] = _server(protocol, host)
                undo.callback(self.servers[host.name].close)
            start_all(*self.servers.values())
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _network(self) -> Network:
        return Network(hosts=COUNT)

    def _hosts(self, undo: contextlib.ExitStack) -> list[Host]:
        """The hosts to serve on, there until ``undo``."""
        return undo.enter_context(self.network).hosts[1:]

    @property
    def faults(self) -> dict[str, tuple[str, ...]]:
        """What can happen to each host."""
        more = {"redis": (LOCKED_OUT, PAUSED)}
        return {name: (*PROCESS, *NETWORK, *more.get(self.protocols[name], ())) for name in self.servers}

    def rules(self) -> list[Rules]:
        return [
            Rules(f"{self.namespace}/{protocol}", self._listed(protocol), *_THRESHOLDS[protocol], PERIOD, TIMEOUT)
            for protocol in _COUNTS
        ]

    def _listed(self, protocol: str) -> dict[str, tuple[str, int]]:
        mine = [server for name, server in self.servers.items() if self.protocols[name] == protocol]
        return {server.address: (server.address, server.port) for server in mine}

    def config(self) -> str:
        login = {"user": "prober", "passwordFile": str(self.directory / "password")}
        blocks: Mapping[str, dict[str, str]] = {"mysql": login, "redis": login, "tcp": {}}
        services = []
        for rules in self.rules():
            protocol = rules.service.partition("/")[2]
            port = next(iter(rules.listed.values()))[1]
            check = {"successThreshold": rules.success, "failureThreshold": rules.failure, protocol: blocks[protocol]}
            timing = {"periodSeconds": PERIOD, "timeoutSeconds": TIMEOUT}
            ports = [{"name": protocol, "port": port}]
            service = {
                "name": protocol,
                "namespace": self.namespace,
                "ports": ports,
                "hosts": list(rules.listed),
                "check": timing | check,
                "flap": "off",
            }
            services.append(service)
        return json.dumps({"version": 1, "services": services})

    def daemon(self, folder: Path, program: tuple[str, ...] | None = None) -> Daemon:
        given: dict[str, Any] = {} if program is None else {"program": program}
        args = ("--allowed-cidrs", ALLOWED, "--log-level", "debug")
        return Daemon(self.config(), folder, netns=self.network.node.netns, args=args, **given)

    def act(self, step: Step) -> None:
        if step.fault == BLACKOUT:
            node = self.network.node
            (node.heal if step.over else node.drop)()
        elif step.fault in NETWORK:
            self._cut(self.network[step.host], step)
        else:
            _strike(self.servers[step.host], step)

    def _cut(self, host: Host, step: Step) -> None:
        faults: Mapping[str, Callable[[], None]] = {
            "drop": host.drop,
            "reject": host.reject,
            "reset": lambda: host.reject("tcp-reset"),
            "link-down": host.link_down,
        }
        (host.heal if step.over else faults[step.fault])()

    def heal(self) -> None:
        """Every host serves again, whatever a walk that was left half-way did to it."""
        for host in self.network.hosts:
            host.heal()
        for server in self.servers.values():
            if not server.running:
                server.start(wait=False)
            server.thaw()
        for server in self.servers.values():
            server.wait()
            if isinstance(server, Redis):
                server.command("ACL", "SETUSER", "prober", "on")


def _server(protocol: str, host: Host) -> Server:
    if protocol == "mysql":
        return Mariadb(netns=host.netns, address=host.address, accounts={"prober": _PASSWORD}, extra=_MANY_ERRORS)
    return Redis(netns=host.netns, address=host.address, accounts={"prober": _PASSWORD})  # a tcp check asks it nothing


def _strike(server: Server, step: Step) -> None:
    if step.fault == "freeze":
        (server.thaw if step.over else server.freeze)()
    elif step.fault == LOCKED_OUT and isinstance(server, Redis):
        server.wait()
        server.command("ACL", "SETUSER", "prober", "on" if step.over else "off")
    elif step.fault == PAUSED:
        if isinstance(server, Redis) and not step.over:
            server.command("CLIENT", "PAUSE", PAUSE_MILLISECONDS)
    elif step.over:
        server.start(wait=False)
    elif step.fault == "restart":
        server.stop()
    else:
        server.kill()
