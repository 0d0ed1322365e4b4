"""Servers by the name of their host."""

from __future__ import annotations

from collections.abc import Mapping

from lab.process import Server
from lab.servers import Mariadb, Redis


class ServersByName:
    """What has ``servers``, and knows of which kind each is."""

    servers: Mapping[str, Server]

    def mariadb(self, name: str) -> Mariadb:
        server = self.servers[name]
        assert isinstance(server, Mariadb)
        return server

    def redis(self, name: str) -> Redis:
        server = self.servers[name]
        assert isinstance(server, Redis)
        return server
