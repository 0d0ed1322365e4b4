"""A program for ``Application``: logs in again and again, and prints how each login went as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pymysql
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_TIMEOUT = 10
"""Seconds: more than a machine stands still now and then; a route that leads nowhere is told in three."""


def _mysql(host: str, port: int, user: str, password: str) -> str:
    with pymysql.connect(
        host=host,
        port=port,
        user=user,
        password=password,
        connect_timeout=_TIMEOUT,
        read_timeout=_TIMEOUT,
        ssl_disabled=True,
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@bind_address")
        return str(cursor.fetchall()[0][0])


def _redis(host: str, port: int, user: str, password: str) -> str:
    never = Retry(NoBackoff(), 0)
    with redis.Redis(
        host, port, username=user, password=password, socket_timeout=_TIMEOUT, retry=never, decode_responses=True
    ) as client:
        answer: Any = client.config_get("bind")
        return str(answer["bind"])


LOGINS: dict[str, Callable[[str, int, str, str], str]] = {"mysql": _mysql, "redis": _redis}


def attempt(login: Callable[[], str]) -> dict[str, Any]:
    started = time.monotonic()
    server, error = None, None
    try:
        server = login()
    except (pymysql.MySQLError, redis.RedisError, OSError) as failed:
        error = f"{type(failed).__name__}: {failed}"
    return {"server": server, "error": error, "seconds": time.monotonic() - started}


def main(protocol: str, host: str, port: str, *credentials: str) -> None:
    user, password, count = credentials
    outcomes = [attempt(lambda: LOGINS[protocol](host, int(port), user, password)) for _ in range(int(count))]
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
