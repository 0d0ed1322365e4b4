"""The demonstration: real databases on loopback, Mooring over them, its table or log on this terminal."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lab import leftovers, servers
from lab.free_ports import free_port
from lab.process import Server, start_all

BACK_AFTER = 15.0
_SERVICES = {"mariadb": "mysql-external", "redis": "sessions"}


@dataclass
class Shown:
    """A server of the demonstration: the host's name, the address that is published for it, and the process."""

    name: str
    published: str
    server: Server
    gone_since: float | None = field(default=None, init=False)

    def entry(self) -> dict[str, object]:
        probe = {"probeAddress": self.server.address, "probePort": self.server.port}
        return {"name": self.name, "address": self.published, **probe}

    def line(self) -> str:
        where = f"{self.server.address}:{self.server.port}"
        return f"  {self.name:8}{self.server.kind:9}{where:17}published as {self.published}\n"

    def tend(self, pids: Path, now: float) -> None:
        """Starts the server again some time after it was killed, and notes its new pid."""
        if self.server.running:
            self.gone_since = None
        elif self.gone_since is None:
            self.gone_since = now
        elif now - self.gone_since >= BACK_AFTER:
            self.server.start(wait=False)
            self.note(pids)

    def note(self, pids: Path) -> None:
        (pids / self.name).write_text(f"{self.server.pid}\n")


def make_servers(mysql_password: str, redis_password: str) -> list[Shown]:
    """What this machine has of one MariaDB and two Redis; says what is missing."""
    missing = servers.missing()
    for name in missing:
        sys.stdout.write(f"{name} is not installed; going on without it\n")
    shown = []
    if "mariadbd" not in missing:
        shown.append(Shown("db1", "10.20.0.11", servers.Mariadb(accounts={"mooring": mysql_password})))
    if "redis-server" not in missing:
        shown.append(Shown("cache1", "10.20.0.21", servers.Redis(password=redis_password)))
        shown.append(Shown("cache2", "10.20.0.22", servers.Redis(password=redis_password)))
    return shown


def configuration(shown: Sequence[Shown], secret_files: Path) -> str:
    """The file for Mooring; a Service without a host is left out."""
    checks = {
        "mariadb": {"mysql": {"user": "mooring", "passwordFile": str(secret_files / "mysql-password")}},
        "redis": {"redis": {"passwordFile": str(secret_files / "redis-password")}},
    }
    services = []
    for kind, port in (("mariadb", 3306), ("redis", 6379)):
        if hosts := [one.entry() for one in shown if one.server.kind == kind]:
            ports = [{"name": kind.replace("mariadb", "mysql"), "port": port}]
            services.append({"name": _SERVICES[kind], "ports": ports, "hosts": hosts, "check": checks[kind]})
    defaults = {"check": {"periodSeconds": 1, "timeoutSeconds": 0.5}}
    return yaml.safe_dump({"version": 1, "defaults": defaults, "services": services}, sort_keys=False)


def introduction(shown: Sequence[Shown], directory: Path, port: int) -> str:
    victim, url = shown[-1], f"http://127.0.0.1:{port}"
    program = f"{os.path.relpath(Path(sys.executable).parent)}/mooring"
    return (
        "Real servers, on loopback only for this demonstration:\n"
        + "".join(one.line() for one in shown)
        + f"\nconfiguration   {directory}/config.yaml\n"
        f"manifests       {directory}/cluster/default/\n"
        f"page            {url}/\n"
        f"status          {program} status --url {url}\n\n"
        "See a host leave, from another terminal, and ask why:\n"
        f"  kill -9 $(cat {directory}/pids/{victim.name})\n"
        f"  {program} explain {_SERVICES[victim.server.kind]}/{victim.name} --url {url}\n"
        f"It is started again {BACK_AFTER:.0f} s later, and returns. Ctrl-C ends all of this.\n"
        "Next: docs/first-look.md has each command, docs/install.md your cluster.\n\n"
    )


@contextlib.contextmanager
def mooring(directory: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Mooring on this terminal, ended as its user would."""
    where = ["--config", f"{directory}/config.yaml", "--cluster", "local", "--state-dir", f"{directory}/cluster"]
    command = [sys.executable, "-m", "mooring", "run", *where, "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=directory) as process:
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


def demonstrate(ending: threading.Event, directory: Path, shown: Sequence[Shown], port: int) -> int:
    """Runs until a signal comes, or until Mooring ends by itself; returns the exit code."""
    with mooring(directory, port) as process:
        while not ending.wait(0.2):
            if process.poll() is not None:
                return process.returncode or 1
            for one in shown:
                one.tend(directory / "pids", time.monotonic())
    return 0


def prepare(directory: Path) -> list[Shown]:
    """Passwords, servers and the file."""
    passwords = {"mysql-password": secrets.token_hex(12), "redis-password": secrets.token_hex(12)}
    for name, password in passwords.items():
        (directory / name).write_text(password + "\n")
        (directory / name).chmod(0o600)
    shown = make_servers(*passwords.values())
    (directory / "config.yaml").write_text(configuration(shown, directory))
    (directory / "pids").mkdir()
    return shown


def main() -> int:
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ending.set())
    leftovers.sweep()
    with contextlib.ExitStack() as undo, leftovers.scratch("demo") as directory:
        shown = prepare(directory)
        for one in shown:
            undo.callback(one.server.close)
        if not shown:
            sys.stdout.write("Nothing to show: install mariadb-server and redis-server.\n")
            return 1
        start_all(*(one.server for one in shown))
        for one in shown:
            one.note(directory / "pids")
        port = free_port()
        sys.stdout.write(introduction(shown, directory, port))
        sys.stdout.flush()
        return demonstrate(ending, directory, shown, port)


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
