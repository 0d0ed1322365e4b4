"""A daemon that keeps ``rw`` and ``ro`` over a replication, and every version that it stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lab.configuration import at, file, service
from lab.history import History
from lab.mooring import Daemon
from lab.topologies.topology import PASSWORD, PROBER


class Listed(Protocol):
    """A server by an address of it."""

    @property
    def address(self) -> str: ...

    @property
    def port(self) -> int: ...


RW, RO = "default/rw", "default/ro"


@dataclass(frozen=True)
class Moored:
    """``published`` are the addresses under which the servers stand in the file, in their order."""

    daemon: Daemon
    history: History
    servers: Sequence[Listed]
    published: Sequence[str]

    def of(self, *servers: Listed) -> list[str]:
        return [address for server, address in zip(self.servers, self.published, strict=True) if server in servers]

    def wait_rw(self, server: Listed, *, timeout: float = 30) -> None:
        self.daemon.wait_ready(RW, self.of(server), timeout=timeout)

    def wait_ro(self, *servers: Listed, timeout: float = 30) -> None:
        self.daemon.wait_ready(RO, self.of(*servers), timeout=timeout)

    def row(self, service: str, server: Listed) -> dict[str, Any]:
        """The host in ``mooring status``."""
        (address,) = self.of(server)
        for one in self.daemon.status()["services"]:
            if f"{one['namespace']}/{one['name']}" == service:
                return next(dict(host) for host in one["hosts"] if host["address"] == address)
        raise KeyError(service)

    def reason(self, service: str, server: Listed) -> str | None:
        reason: str | None = self.row(service, server)["reason"]
        return reason

    def judge(self) -> None:
        """What no version may say: two writers. The daemon logs each write, also one that was seen too late."""
        versions = [version.ready for version in self.history.of(RW)]
        written = [line["ready"] for line in self.daemon.logs("endpoints.written", service=RW)]
        assert written
        assert max(map(len, versions + written)) <= 1, (versions, written)

    def writers(self) -> list[list[str]]:
        """Who was ready in ``rw``, one after the other."""
        found: list[list[str]] = []
        for version in self.history.of(RW):
            if not found or found[-1] != version.ready:
                found.append(version.ready)
        return found


@contextlib.contextmanager
def moored(
    directory: Path,
    servers: Sequence[Listed],
    protocol: str,
    *,
    block: Mapping[str, Any] | None = None,
    primary: Mapping[str, Any] | None = None,
    replica: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    netns: str | None = None,
    **check: Any,
) -> Iterator[Moored]:
    """``block`` is the protocol's for both Services, beside the login; ``primary`` and ``replica`` are what one
    of them has besides, ``more`` are fields of the Service ``rw``. Judges all versions when it ends.
    """
    state, secret = directory / "state", directory / "password"
    state.mkdir()
    secret.write_text(PASSWORD)
    login = {"user": PROBER, "passwordFile": str(secret), **(block or {})}
    published = [f"10.20.0.{number}" for number in range(11, 11 + len(servers))]
    hosts = [at(address, server) for address, server in zip(published, servers, strict=True)]
    rw = service("rw", protocol, hosts, block={**login, "role": "primary", **(primary or {})}, **(more or {}))
    ro = service("ro", protocol, hosts, block={**login, "role": "replica", **(replica or {})})
    with (
        History(state) as history,
        Daemon(file(rw, ro, **check), state, netns=netns, args=("--log-level", "debug")) as daemon,
    ):
        stage = Moored(daemon, history, servers, published)
        yield stage
        stage.judge()
