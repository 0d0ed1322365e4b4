"""A program: an application with a connection pool that writes all the time, and tells how each write went.

Each of its threads takes a session from the pool, writes one numbered row and gives the session back. As pools do, it
throws a session away only where that is lost: one to a server that refuses writes stays, and is refused again. Each
line of output is a JSON list: monotonic time, number, the server (``address:port``, None where no session came to be),
and the error or None. Through a Service it is the server behind that.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pymysql
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_TIMEOUT = 2
_KILLED = {1053, 1927}
"""Errors that MariaDB sends to a session that it ends."""

Tell = Callable[[str], None]
"""Called with the server as soon as that is known."""


class MysqlPool:
    """At most ``size`` sessions; whoever wants one more waits."""

    def __init__(self, host: str, port: int, user: str, password: str, size: int) -> None:
        self._login = partial(pymysql.connect, host=host, port=port, user=user, password=password, database="app")
        self._slots: queue.LifoQueue[tuple[Any, str] | None] = queue.LifoQueue()
        for _ in range(size):
            self._slots.put(None)

    def _connect(self) -> tuple[Any, str]:
        times = {"connect_timeout": _TIMEOUT, "read_timeout": _TIMEOUT}
        connection: Any = self._login(autocommit=True, ssl_disabled=True, **times)
        with connection.cursor() as cursor:
            cursor.execute("SELECT CONCAT(@@bind_address, ':', @@port)")
            return connection, str(cursor.fetchall()[0][0])

    @contextlib.contextmanager
    def _session(self) -> Iterator[tuple[Any, str]]:
        held = self._slots.get()
        kept = None
        try:
            kept = held = held or self._connect()
            yield held
        except pymysql.err.MySQLError as error:
            if held is None or not held[0].open or error.args[0] in _KILLED:
                kept = None
            raise
        finally:
            self._slots.put(kept)

    def write(self, number: int, tell: Tell) -> None:
        with self._session() as (connection, server):
            tell(server)
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO written VALUES (%s)", [number])


class RedisPool:
    """The pool of redis-py, which may not try again by itself."""

    def __init__(self, host: str, port: int, user: str, password: str, size: int) -> None:
        pool: Any = redis.BlockingConnectionPool(  # type: ignore[no-untyped-call]  # of redis-py
            max_connections=size,
            timeout=None,
            host=host,
            port=port,
            username=user,
            password=password,
            socket_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._client: Any = redis.Redis(connection_pool=pool)

    def write(self, number: int, tell: Tell) -> None:
        with self._client.client() as session:
            tell(session.client_info()["laddr"])
            session.sadd("written", number)


_POOLS: dict[str, type[MysqlPool | RedisPool]] = {"mysql": MysqlPool, "redis": RedisPool}


def _attempt(pool: MysqlPool | RedisPool, number: int) -> tuple[str | None, str | None]:
    """Where a write went, and its error."""
    told: list[str] = []
    error = None
    try:
        pool.write(number, told.append)
    except (pymysql.MySQLError, redis.RedisError, OSError) as failed:
        error = f"{type(failed).__name__}: {failed}"
    return (told[0] if told else None), error


def _work(pool: MysqlPool | RedisPool, numbers: Iterator[int], every: float) -> None:
    while True:
        number = next(numbers)
        server, error = _attempt(pool, number)
        sys.stdout.write(json.dumps([time.monotonic(), number, server, error]) + "\n")
        sys.stdout.flush()
        time.sleep(every)


def main(protocol: str, host: str, port: str, *more: str) -> None:
    user, password, size, every = more
    pool = _POOLS[protocol](host, int(port), user, password, int(size))
    numbers = itertools.count(1)
    for _ in range(int(size)):
        threading.Thread(target=_work, args=(pool, numbers, float(every)), daemon=True).start()
    sys.stdin.read()  # until whoever started it goes


if __name__ == "__main__":
    main(*sys.argv[1:])
