"""A daemon over real servers on loopback, and the sessions that these see of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from lab.configuration import at, file, service
from lab.mooring import PROGRAM, Daemon
from lab.process import Server, start_all
from lab.servers import Mariadb
from lab.waiting import happens, wait_until
from support.servers_by_name import ServersByName

USER, PASSWORD = "mooring", "throw-away-of-a-test"
ACCOUNTS = {USER: PASSWORD}
_PROTOCOLS = {"mysql": "mysql", "mariadb": "mysql", "redis": "redis"}


_NO_SUCH_SESSION = 1094


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except pymysql.err.MySQLError as error:
        if error.args[0] != _NO_SUCH_SESSION:
            raise


@dataclass(frozen=True)
class Watched(ServersByName):
    """``servers`` by the name of their host; ``secret`` is the password file that all Services name."""

    daemon: Daemon
    servers: Mapping[str, Server]
    secret: Path

    def sessions(self, name: str) -> set[int]:
        """The server's numbers of all connections that are logged in as the daemon."""
        server = self.servers[name]
        if isinstance(server, Mariadb):
            rows = server.sql(f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'")
            return {int(row[0]) for row in rows}
        lines = str(self.redis(name).command("CLIENT", "LIST")).splitlines()
        return {int(line.split()[0].removeprefix("id=")) for line in lines if f" user={USER} " in line}

    def end_sessions(self, name: str) -> None:
        """As an administrator does it; a login that had ended by then is none any more."""
        for number in self.sessions(name):
            if isinstance(self.servers[name], Mariadb):
                with _unless_gone():
                    self.mariadb(name).sql(f"KILL CONNECTION {number}")
            else:
                self.redis(name).command("CLIENT", "KILL", "ID", number)

    def wait_session(self, name: str, before: set[int], seconds: float = 10) -> set[int]:
        """Waits until there is one session, and none of those before."""

        def other() -> set[int]:
            now = self.sessions(name)
            return now if len(now) == 1 and not now & before else set()

        return wait_until(other, seconds, f"a session on {self.servers[name].kind}")

    def row(self, key: str, host: str) -> dict[str, Any]:
        """The host's entry in the status document, under the Service ``NAMESPACE/NAME``."""
        services = self.daemon.status()["services"]
        rows = next(one["hosts"] for one in services if f"{one['namespace']}/{one['name']}" == key)
        return next(row for row in rows if row["name"] == host)

    def now(self) -> int:
        """For ``after``."""
        return len(self.daemon.output)

    def probes(self, name: str, after: int, **fields: object) -> list[dict[str, Any]]:
        """The log lines of the probes of this server."""
        return self.daemon.logs("probe", after=after, port=self.servers[name].port, **fields)

    def wait_probes(self, name: str, count: int, after: int, **fields: object) -> None:
        wait_until(lambda: len(self.probes(name, after, **fields)) >= count, 30, f"{count} probes of {name}: {fields}")

    def verdicts(self, after: int) -> list[dict[str, Any]]:
        """All that was said of verdicts since, changes and doubts."""
        return [line for line in self.daemon.logs(after=after) if str(line.get("event", "")).startswith("host.")]

    def wait_ok(self) -> None:
        def unlike() -> list[object]:
            services = self.daemon.status()["services"]
            return [row for one in services for row in one["hosts"] if (row["reason"], row["verdict"]) != OK]

        self.daemon.wait_log("daemon.started", timeout=30)
        wait_until(lambda: not unlike(), 30, "every host to be well")
        hosts = sum(len(one["hosts"]) for one in self.daemon.status()["services"])
        # The log has a thread of its own, and a seeded host has no such line.
        happens(lambda: len(self.daemon.logs("host.ready")) >= hosts, 3)


OK = ("ok", "ready")


def listed(
    key: str, servers: Mapping[str, Server], secret: Path, *, block: Mapping[str, Any] | None = None, **check: Any
) -> dict[str, Any]:
    """One Service ``key`` of these hosts, all of one kind; each is published under an address of its own."""
    kind = next(iter(servers.values())).kind
    hosts = [at(f"10.20.0.{place}", server, name=name) for place, (name, server) in enumerate(servers.items(), 1)]
    login = {"user": USER, "passwordFile": str(secret)}
    return service(key, _PROTOCOLS[kind], hosts, block={**login, **(block or {})}, check=check)


@contextlib.contextmanager
def started(**servers: Server) -> Iterator[Mapping[str, Server]]:
    """Starts them at once, and ends them."""
    with contextlib.ExitStack() as undo:
        for server in servers.values():
            undo.callback(server.close)
        start_all(*servers.values())
        yield servers


def written(directory: Path) -> Path:
    """The password file."""
    secret = directory / "password"
    secret.write_text(f"{PASSWORD}\n")
    return secret


@contextlib.contextmanager
def watched(
    directory: Path,
    servers: Mapping[str, Server],
    *services: Mapping[str, Any],
    program: Sequence[str] = PROGRAM,
    args: Sequence[str] = (),
    **check: Any,
) -> Iterator[Watched]:
    """Runs the daemon, and waits until every host is well; ``check`` as ``configuration.file`` has it."""
    text = file(*services, **check)
    told = ("--log-level", "debug", *args)
    with Daemon(text, directory / "state", args=told, program=program) as daemon:
        made = Watched(daemon, servers, directory / "password")
        made.wait_ok()
        yield made
