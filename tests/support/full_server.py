"""A server that has no connection left to give."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pymysql

from lab.process import Server
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until

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
    with contextlib.ExitStack() as held:
        server.command("CONFIG", "SET", "maxclients", 2)
        for _ in range(2):
            client = held.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(server.control))
        yield
    wait_until(server.serves, 5, "a connection to be given again")
    server.command("CONFIG", "SET", "maxclients", 1000)
