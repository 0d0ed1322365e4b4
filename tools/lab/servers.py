"""Real MariaDB and Redis servers."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import redis
from pymysql.cursors import DictCursor
from redis.backoff import NoBackoff
from redis.retry import Retry

from lab import leftovers
from lab.free_ports import free_port
from lab.process import Server, command

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


class SqlServer(Server):
    """A server that root asks by SQL over the control socket."""

    answer_seconds = 60
    """How long one statement of a ``session`` may take."""

    def sql(self, text: str) -> tuple[tuple[Any, ...], ...]:
        """Runs one statement as root over the control socket, and returns its rows."""
        with (
            pymysql.connect(
                unix_socket=str(self.control), user="root", connect_timeout=30, read_timeout=60, autocommit=True
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(text)
            return tuple(cursor.fetchall())

    @contextlib.contextmanager
    def session(self) -> Iterator[DictCursor]:
        """A session of root over the control socket; rows are dictionaries."""
        with (
            pymysql.connect(
                unix_socket=str(self.control),
                user="root",
                read_timeout=self.answer_seconds,
                autocommit=True,
                cursorclass=DictCursor,
            ) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def run(self, *statements: str) -> None:
        """Runs them as root, over one session."""
        with self.session() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def status(self, variable: str) -> int:
        """One number of SHOW GLOBAL STATUS."""
        return int(self.sql(f"SHOW GLOBAL STATUS LIKE '{variable}'")[0][1])

    @contextlib.contextmanager
    def holding(self, statement: str) -> Iterator[None]:
        """A session of root's over the control socket that has run this statement, as a lock, and stays open."""
        with (
            pymysql.connect(unix_socket=str(self.control), user="root", autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            yield

    def serves(self) -> bool:
        try:
            return bool(self.sql("SELECT 1"))
        except pymysql.err.OperationalError:
            return False


def create_users(accounts: Mapping[str, str]) -> str:
    """The statements that make these accounts, user to password, with which one may log in from everywhere."""
    return "".join(
        f"CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}';\n" for user, password in accounts.items()
    )


class Mariadb(SqlServer):
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
        shutil.copytree(self._fresh_data(), self.directory / "data")
        (self.directory / "tmp").mkdir(exist_ok=True)
        (self.directory / "init.sql").write_text(create_users(self.accounts))

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
        return [*self._program(), *where, *_SMALL, *names, *self._tls_options(), *self.extra]

    def _program(self) -> list[str]:
        """The words that run it, before its options."""
        return [_found("mariadbd"), "--no-defaults"]

    def _fresh_data(self) -> Path:
        return _template()

    def _tls_options(self) -> list[str]:
        if self.tls is None:
            return []
        return [f"--ssl-cert={self.tls.certificate}", f"--ssl-key={self.tls.key}", f"--ssl-ca={self.tls.authority}"]


class Redis(Server):
    """A Redis server; ``password`` is that of the user ``default``, ``accounts`` are further ACL users who may all.

    ``extra`` are lines of redis.conf. A node of a cluster listens at a second port, too.
    """

    usual_port = 6379
    kind = "redis"
    bus_beside = 10_000
    """Redis' own choice of the port at which a node hears the others."""

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
        if not port and not netns and "cluster-enabled yes" in extra:
            port = free_port(address, beside=self.bus_beside)
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
            *(self._account(user, password) for user, password in self.accounts.items()),
            *self.extra,
        ]
        (self.directory / "redis.conf").write_text("\n".join(lines) + "\n")

    def _account(self, user: str, password: str) -> str:
        return f"user {user} on >{password} ~* &* +@all"

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
        return [*self._program(), str(self.directory / "redis.conf")]

    def _program(self) -> list[str]:
        return [_found("redis-server")]

    def command(self, *words: str | int) -> Any:
        """Sends one command over the control socket, and returns the answer."""
        with redis.Redis(
            unix_socket_path=str(self.control),
            password=self.password,
            protocol=2,
            socket_timeout=20,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        ) as client:
            return client.execute_command(*words)

    def serves(self) -> bool:
        try:
            return bool(self.command("PING"))
        except redis.RedisError:
            return False
