"""Real MariaDB and Redis servers."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ground import leftovers
from ground.process import Server, command

_SMALL = (
    "--innodb-buffer-pool-size=8M",
    "--innodb-log-file-size=4M",
    "--innodb-autoextend-increment=1",
    "--innodb-flush-log-at-trx-commit=0",
    "--performance-schema=OFF",
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files that a server proves itself with."""

    certificate: Path
    key: Path
    authority: Path

    def copied(self, directory: Path) -> Certificate:
        """The same files where the server may read them."""
        return Certificate(
            *(Path(shutil.copy(path, directory)) for path in (self.certificate, self.key, self.authority))
        )


def missing() -> list[str]:
    """The server programs that this machine lacks."""
    return [name for name in ("mariadbd", "redis-server") if command(name) is None]


def _found(name: str) -> str:
    path = command(name)
    if path is None:
        raise RuntimeError(f"{name} is not installed")
    return path


@functools.cache
def _template() -> Path:
    """A fresh data directory, made once a process, for others to copy."""
    undo = contextlib.ExitStack()
    atexit.register(undo.close)
    target = undo.enter_context(leftovers.scratch("template")) / "data"
    install = [
        "--no-defaults",
        f"--datadir={target}",
        f"--tmpdir={target.parent}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
    ]
    install.append("--force")  # also where the machine's own name cannot be looked up
    done = subprocess.run(
        [_found("mariadb-install-db"), *install, *_SMALL], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return target


class Mariadb(Server):
    """A MariaDB server; ``accounts`` (user to password) may log in from everywhere.

    With ``name_resolving`` it asks for the name of each client's address first, as MariaDB does by default.
    """

    usual_port = 3306
    kind = "mariadb"

    def __init__(
        self,
        *,
        port: int | None = None,
        address: str = "127.0.0.1",
        netns: str | None = None,
        accounts: Mapping[str, str] | None = None,
        tls: Certificate | None = None,
        name_resolving: bool = False,
        extra: Sequence[str] = (),
    ) -> None:
        super().__init__(port=port, address=address, netns=netns)
        self.accounts = dict(accounts or {})
        self.tls = tls.copied(self.directory) if tls else None
        self.name_resolving = name_resolving
        self.extra = tuple(extra)

    def _prepare(self) -> None:
        shutil.copytree(_template(), self.directory / "data")
        (self.directory / "tmp").mkdir(exist_ok=True)
        statements = [
            f"CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}';\n"
            for user, password in self.accounts.items()
        ]
        (self.directory / "init.sql").write_text("".join(statements))

    def _command(self) -> list[str]:
        where = [
            f"--datadir={self.directory / 'data'}",
            f"--tmpdir={self.directory / 'tmp'}",  # a server that starts removes all temporary tables that it finds
            f"--socket={self.control}",
            f"--pid-file={self.directory / 'server.pid'}",
            f"--init-file={self.directory / 'init.sql'}",
            f"--bind-address={self.address}",
            f"--port={self.port}",
        ]
        names = [] if self.name_resolving else ["--skip-name-resolve"]
        return [_found("mariadbd"), "--no-defaults", *where, *_SMALL, *names, *self._tls_options(), *self.extra]

    def _tls_options(self) -> list[str]:
        if self.tls is None:
            return []
        return [f"--ssl-cert={self.tls.certificate}", f"--ssl-key={self.tls.key}", f"--ssl-ca={self.tls.authority}"]

    def sql(self, text: str) -> tuple[tuple[Any, ...], ...]:
        """Runs one statement as root over the control socket, and returns its rows."""
        with (
            pymysql.connect(
                unix_socket=str(self.control), user="root", connect_timeout=5, read_timeout=10, autocommit=True
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(text)
            return tuple(cursor.fetchall())

    def status(self, variable: str) -> int:
        """One number of SHOW GLOBAL STATUS."""
        return int(self.sql(f"SHOW GLOBAL STATUS LIKE '{variable}'")[0][1])

    def serves(self) -> bool:
        try:
            return bool(self.sql("SELECT 1"))
        except pymysql.err.OperationalError:
            return False


class Redis(Server):
    """A Redis server; ``password`` is that of the user ``default``, ``accounts`` are further ACL users who may all.

    ``extra`` are lines of redis.conf.
    """

    usual_port = 6379
    kind = "redis"

    def __init__(
        self,
        *,
        port: int | None = None,
        address: str = "127.0.0.1",
        netns: str | None = None,
        password: str | None = None,
        accounts: Mapping[str, str] | None = None,
        tls: Certificate | None = None,
        extra: Sequence[str] = (),
    ) -> None:
        super().__init__(port=port, address=address, netns=netns)
        self.password = password
        self.accounts = dict(accounts or {})
        self.tls = tls.copied(self.directory) if tls else None
        self.extra = tuple(extra)

    def _prepare(self) -> None:
        lines = [
            f"bind {self.address}",
            *self._listeners(),
            f"unixsocket {self.control}",
            f"dir {self.directory}",
            'save ""',
            "protected-mode no",
            *([f"requirepass {self.password}"] if self.password else []),
            *(f"user {user} on >{password} ~* &* +@all" for user, password in self.accounts.items()),
            *self.extra,
        ]
        (self.directory / "redis.conf").write_text("\n".join(lines) + "\n")

    def _listeners(self) -> list[str]:
        if self.tls is None:
            return [f"port {self.port}"]
        return [
            "port 0",
            f"tls-port {self.port}",
            f"tls-cert-file {self.tls.certificate}",
            f"tls-key-file {self.tls.key}",
            f"tls-ca-cert-file {self.tls.authority}",
            "tls-auth-clients no",
        ]

    def _command(self) -> list[str]:
        return [_found("redis-server"), str(self.directory / "redis.conf")]

    def command(self, *words: str | int) -> Any:
        """Sends one command over the control socket, and returns the answer."""
        with redis.Redis(
            unix_socket_path=str(self.control),
            password=self.password,
            protocol=2,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        ) as client:
            return client.execute_command(*words)

    def serves(self) -> bool:
        try:
            return bool(self.command("PING"))
        except redis.RedisError:
            return False
