"""Servers of a root, as ``lab.servers`` has those of the machine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from lab.matrix import data, running
from lab.process import Server
from lab.servers import Certificate, Mariadb, Redis, SqlServer, create_users


class Settings(TypedDict, total=False):
    """What every server takes by keyword; see ``lab.servers``."""

    port: int | None
    address: str
    netns: str | None
    accounts: Mapping[str, str] | None
    tls: Certificate | None
    extra: Sequence[str]


class Rooted(Server):
    """It runs from the folder of packages that ``root`` names.

    It keeps the rights of whoever starts it: the folder may lie where nobody else may look.
    """

    root: str
    starts_as_root = True

    def _environment(self) -> Mapping[str, str]:
        return running.environment(self.root)

    def _hand_over(self) -> None:
        """To nobody."""


class RootedMariadb(Rooted, Mariadb):
    """MariaDB of a root."""

    def __init__(self, root: str, **settings: Unpack[Settings]) -> None:
        super().__init__(**settings)
        self.root = root

    def _program(self) -> list[str]:
        return data.mariadb(self.root)

    def _fresh_data(self) -> Path:
        return data.of(self.root)


class RootedMysql(Rooted, SqlServer):
    """MySQL of a root: its own defaults, but for what makes it small and lets it start quickly.

    From 8.0 on it has TLS by certificates that it makes itself (``data/ca.pem`` in its directory), and ``accounts`` log
    in by caching_sha2_password; 5.7 has neither.
    """

    usual_port = 3306
    kind = "mysql"

    def __init__(
        self,
        root: str,
        *,
        port: int | None = None,
        address: str = "127.0.0.1",
        netns: str | None = None,
        accounts: Mapping[str, str] | None = None,
        tls: Certificate | None = None,
        extra: Sequence[str] = (),
    ) -> None:
        super().__init__(port=port, address=address, netns=netns)
        self.root = root
        self.accounts = dict(accounts or {})
        self.extra = tuple(extra)
        self.tls = tls.copied(self.directory) if tls else None

    @property
    def authority(self) -> Path:
        """The CA of the certificate that it made itself."""
        return self.directory / "data" / "ca.pem"

    def _prepare(self) -> None:
        shutil.copytree(data.of(self.root), self.directory / "data")
        (self.directory / "init.sql").write_text(create_users(self.accounts))

    def _command(self) -> list[str]:
        where = [
            f"--datadir={self.directory / 'data'}",
            f"--socket={self.control}",
            f"--pid-file={self.directory / 'server.pid'}",
            f"--init-file={self.directory / 'init.sql'}",
            f"--bind-address={self.address}",
            f"--port={self.port}",
        ]
        small = ["--innodb-buffer-pool-size=8M", "--innodb-use-native-aio=OFF", "--skip-name-resolve"]
        others = [] if self.root == "mysql57" else ["--mysqlx=OFF"]
        tls = []
        if self.tls:
            tls = [f"--ssl-cert={self.tls.certificate}", f"--ssl-key={self.tls.key}", f"--ssl-ca={self.tls.authority}"]
        return [*data.mysql(self.root), *where, *small, *others, *tls, *self.extra]


class RootedRedis(Rooted, Redis):
    """Redis or Valkey of a root."""

    def __init__(self, root: str, *, password: str | None = None, **settings: Unpack[Settings]) -> None:
        super().__init__(password=password, **settings)
        self.root = root

    def _program(self) -> list[str]:
        kind = "valkey" if self.root.startswith("valkey") else "redis"
        return running.program(self.root, f"usr/bin/{kind}-server")

    def _account(self, user: str, password: str) -> str:
        line = super()._account(user, password)
        return line.replace(" &*", "") if self.root == "redis60" else line  # channels have rights from 6.2 on
