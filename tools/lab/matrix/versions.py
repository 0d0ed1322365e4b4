"""The servers and versions that Mooring is tested with: the rows of docs/servers.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from lab.matrix.servers import RootedMariadb, RootedMysql, RootedRedis, Settings
from lab.process import Server
from lab.servers import Mariadb, Redis

_ROOTED: dict[str, type[RootedMysql | RootedMariadb | RootedRedis]] = {
    "mysql": RootedMysql,
    "mariadb": RootedMariadb,
    "redis": RootedRedis,
    "valkey": RootedRedis,
}
_OWN: dict[str, type[Mariadb | Redis]] = {"mariadb": Mariadb, "redis": Redis}


@dataclass(frozen=True, slots=True)
class Version:
    """``kind`` is mysql, mariadb, redis or valkey. Without ``root`` it is the one that the machine's Debian has.

    ``always``: `make test` runs it, too, and not only `make matrix`.
    """

    kind: str
    number: str
    root: str | None
    always: bool = True

    @property
    def title(self) -> str:
        names = {"mysql": "MySQL", "mariadb": "MariaDB", "redis": "Redis", "valkey": "Valkey"}
        return f"{names[self.kind]} {self.number}"

    @property
    def protocol(self) -> str:
        """The block of the file."""
        return "mysql" if self.kind in ("mysql", "mariadb") else "redis"

    @property
    def release(self) -> tuple[int, ...]:
        """For comparisons."""
        return tuple(map(int, self.number.split(".")))

    def server(self, **settings: Unpack[Settings]) -> Server:
        """A fresh one, not started."""
        if self.root is None:
            return _OWN[self.kind](**settings)
        return _ROOTED[self.kind](self.root, **settings)


VERSIONS = (
    Version("mysql", "9.7", "mysql97"),
    Version("mysql", "8.0.31", "mysql8031"),
    Version("mysql", "8.0.15", "mysql8015", always=False),
    Version("mysql", "5.7", "mysql57"),
    Version("mariadb", "11.8", "mariadb118"),
    Version("mariadb", "10.11", None),
    Version("mariadb", "10.5", "mariadb105", always=False),
    Version("redis", "8.6", "redis86", always=False),
    Version("redis", "8.0", "redis80"),
    Version("redis", "7.0", None),
    Version("redis", "6.0", "redis60"),
    Version("valkey", "9", "valkey9"),
    Version("valkey", "8.1", "valkey81", always=False),
    Version("valkey", "8.0", "valkey80", always=False),
)


def needed(*, every: bool) -> list[str]:
    """The roots of `make test`, or of every version."""
    return [version.root for version in VERSIONS if version.root and (every or version.always)]
