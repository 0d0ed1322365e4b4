"""A server that has no connection left to give."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pymysql
import redis

from lab.process import Server
from lab.servers import Mariadb, Redis

FEWEST, USUAL = 10, 151
"""The least ``max_connections`` that MariaDB takes, and what it has by itself."""


@contextlib.contextmanager
def full(server: Server, user: str, password: str, login: float) -> Iterator[None]:
    """Somebody else holds every connection that the server gives; the daemon logs in every ``login`` seconds."""
    if isinstance(server, Redis):
        with full_redis(server):
            yield
    elif isinstance(server, Mariadb):
        with contextlib.ExitStack() as held:
            server.sql(f"SET GLOBAL max_connections = {FEWEST}")
            held.callback(server.sql, f"SET GLOBAL max_connections = {USUAL}")
            _fill(server, held, user, password, login)
            yield


def _fill(server: Mariadb, held: contextlib.ExitStack, user: str, password: str, login: float) -> None:
    """Takes every connection. The daemon holds one, and for a moment another that is to replace it."""
    refused_since = None
    while refused_since is None or time.monotonic() < refused_since + 2 * login:
        try:
            held.enter_context(pymysql.connect(unix_socket=str(server.control), user=user, password=password))
        except pymysql.err.OperationalError:
            refused_since = refused_since or time.monotonic()
            time.sleep(0.01)
        else:
            refused_since = None


@contextlib.contextmanager
def full_redis(server: Redis) -> Iterator[None]:
    """The one connection that it gives is an administrator's, beside those that there were before."""
    with redis.Redis(unix_socket_path=str(server.control), single_connection_client=True) as administrator:
        administrator.config_set("maxclients", 1)
        yield
        administrator.config_set("maxclients", 1000)
