"""Accounts on a server of any kind, and probes of it as one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.matrix.servers import RootedMysql
from lab.process import Server
from lab.servers import Redis, SqlServer
from mooring.model.probes import Observation
from mooring.protocols.mysql.rights import Rights, rights_of
from support.probe_once import ask

PASSWORD, WRONG = "throw-away-of-a-test", "not-that-one"
SECONDS = 20.0
"""What a probe may take at most on a busy machine."""


def probe(server: Server, folder: Path, user: str = "mooring", password: str = "password", **block: Any) -> Observation:
    """Probes once, as ``user`` with the password in this file of the folder."""
    protocol = "mysql" if isinstance(server, SqlServer) else "redis"
    secret = {"passwordFile": str(folder / password)} if password else {}
    return ask(protocol, server.address, server.port, timeout=SECONDS, user=user, **secret, **block)


def in_clear(server: Server) -> dict[str, Any]:
    """The fields by which an account of the server's default method gets in without TLS."""
    return {"serverPublicKey": "request"} if isinstance(server, RootedMysql) else {}


@contextlib.contextmanager
def account(server: Server, *grants: str, how: str = "", user: str = "mooring") -> Iterator[str]:
    """A fresh account with ``PASSWORD`` for a while.

    ``grants``: for SQL ``PRIVILEGES ON WHAT``, for Redis the words of ACL SETUSER. ``how``: SQL behind its name, in
    place of the server's default method.
    """
    if isinstance(server, Redis):
        server.command("ACL", "SETUSER", user, "on", f">{PASSWORD}", *grants)
        try:
            yield user
        finally:
            server.command("ACL", "DELUSER", user)
        return
    assert isinstance(server, SqlServer)
    method = how or f"IDENTIFIED BY '{PASSWORD}'"
    server.sql(f"CREATE USER {user}@'%' {method}")
    try:
        for grant in grants:
            server.sql(f"GRANT {grant} TO {user}@'%'")
        yield user
    finally:
        server.sql(f"DROP USER {user}@'%'")


def rights(server: SqlServer) -> Rights:
    """What Mooring's messages and documents name for this server."""
    return rights_of(str(server.sql("SELECT VERSION()")[0][0]))


def watching(server: Server) -> tuple[str, ...]:
    """The documented grant for roles."""
    if isinstance(server, Redis):
        return ("-@all", "+ping", "+info", "+cluster|info")
    assert isinstance(server, SqlServer)
    return (rights(server).roles,)
