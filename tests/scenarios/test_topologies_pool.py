"""The ground under what applications see: a connection pool that writes while its server fails it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lab.process import Server
from lab.topologies.pool import Pool
from lab.topologies.replication import Replication
from lab.topologies.sentinel import RedisReplication
from lab.waiting import wait_until
from support.relay import Relay

pytestmark = pytest.mark.needs_servers

Three = Replication | RedisReplication
KINDS = [pytest.param(Replication, "mysql", id="mariadb"), pytest.param(RedisReplication, "redis", id="redis")]


def where(server: Server) -> str:
    return f"{server.address}:{server.port}"


def pool_of(three: Three, protocol: str) -> Pool:
    return Pool(protocol, three.primary.address, three.primary.port)


def stored(three: Three) -> set[int]:
    if isinstance(three, Replication):
        return three.primary.written()
    return {int(number) for number in three.primary.command("SMEMBERS", "written")}


def end_sessions(three: Three, server: Server) -> None:
    """As the daemon does to a demoted primary."""
    if isinstance(three, Replication):
        three.servers[0].sql("KILL CONNECTION USER app")
    else:
        three.servers[0].command("CLIENT", "KILL", "USER", "app", "TYPE", "normal")


@pytest.mark.parametrize(("kind", "protocol"), KINDS)
def test_every_write_that_it_tells_is_stored(kind: type[Three], protocol: str) -> None:
    """The pool writes through few sessions, and each write that was taken is there."""
    with kind() as three, pool_of(three, protocol) as pool:
        pool.wait_written(where(three.primary), 50)
        assert pool.errors() == []
        numbers = {attempt.number for attempt in pool.written()}
        assert numbers <= stored(three)


@pytest.mark.parametrize(("kind", "protocol"), KINDS)
def test_it_connects_again_when_the_server_is_back(kind: type[Three], protocol: str) -> None:
    """A killed server means errors, without a session; started again, it takes writes of the same pool."""
    with kind() as three, pool_of(three, protocol) as pool:
        pool.wait_written(where(three.primary))
        server = three.kill()
        wait_until(lambda: [one for one in pool.errors() if one.server is None], 10, "refused connections")
        server.start()
        pool.wait_written(where(server))


@pytest.mark.parametrize(("kind", "protocol"), KINDS)
def test_its_sessions_stay_where_writes_are_refused(kind: type[Three], protocol: str) -> None:
    """After a switchover its sessions stay at the old primary, refused, until they are ended; new ones find the new."""
    words = {"mysql": "--read-only", "redis": "read only replica"}[protocol]
    with kind() as three, Relay(three.primary.address, three.primary.port) as service:
        old, new = three.servers[:2]
        with Pool(protocol, "127.0.0.1", service.port) as pool:
            pool.wait_written(where(old))
            since = switched(three, service)
            wait_until(lambda: len(pool.errors(after=since)) >= 20, 10, "refusals")
            assert {(one.server, words in str(one.error)) for one in pool.attempts(after=since)} == {(where(old), True)}
            end_sessions(three, old)
            pool.wait_written(where(new))


def switched(three: Any, service: Relay) -> float:
    """Makes the second the primary and the one that new connections reach; returns when that was done."""
    new = three.servers[1]
    three.switchover(new)
    service.lead(new.address, new.port)
    return time.monotonic()
