"""The probes of servers that are not fit to serve: killed, frozen, full, loading, busy, cut off from a master."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.process import Server
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from support.probe_once import ask

pytestmark = pytest.mark.needs_servers


@pytest.fixture
def plain_redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


def _ask(server: Server, **block: Any) -> Observation:
    return ask(server.kind.replace("mariadb", "mysql"), server.address, server.port, timeout=20.0, **block)


@pytest.mark.parametrize("kind", [Mariadb, Redis])
def test_a_killed_and_a_frozen_server(kind: type[Mariadb | Redis]) -> None:
    """Nobody listens any more: refused. The kernel accepts and nobody answers: timeout."""
    protocol, alive = ("redis", Reason.OK) if kind is Redis else ("mysql", Reason.AUTH)
    with kind() as server:
        assert _ask(server).reason is alive
        server.freeze()
        assert ask(protocol, server.address, server.port, timeout=0.3).reason is Reason.TIMEOUT
        server.thaw()
        server.kill()
        assert _ask(server).reason is Reason.REFUSED


def test_redis_maintenance_switch(plain_redis: Redis) -> None:
    """EXISTS tells 0 or 1, in step with the key."""
    seen = [_ask(plain_redis, key="maintenance").answer]
    plain_redis.command("SET", "maintenance", "on")
    seen.append(_ask(plain_redis, key="maintenance").answer)
    assert seen == ["0", "1"]


@pytest.mark.fault(
    "account",
    "A password is rolled out in our file before Redis has it",
    "Unknown: the rollout takes no host out.",
    within="nothing moves",
)
def test_a_password_for_a_redis_without_one_is_our_fault(plain_redis: Redis, tmp_path: Path) -> None:
    """AUTH where no password is set: unknown, so that a rollout of passwords takes no host out."""
    (tmp_path / "password").write_text("correct-horse-battery")
    seen = _ask(plain_redis, passwordFile=str(tmp_path / "password"))
    assert (seen.reason, "horse" in seen.message) == (Reason.AUTH, False)


def test_a_full_redis_is_saturated() -> None:
    """Maxclients reached: said before any command."""
    with Redis(extra=["maxclients 4"]) as server, contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(socket.create_connection((server.address, server.port)))
        wait_until(lambda: _ask(server).reason is Reason.SATURATED, 5, "the last place to be taken")
        assert _ask(server).message == "ERR max number of clients reached"


@pytest.mark.fault("host", "Redis accepts logins while it loads", "`loading`: neither ready nor dead.", within="F x P")
def test_a_loading_redis_is_loading() -> None:
    """After a restart Redis accepts, authenticates and refuses: not ready, and not dead."""
    slowly = ("key-load-delay 10000", "loading-process-events-interval-bytes 1024")
    with Redis(extra=slowly) as server:
        server.command("EVAL", "for i = 1, 3000 do redis.call('SET', i, string.rep('x', 100)) end", 0)
        server.command("SAVE")
        server.kill()
        server.start(wait=False)
        wait_until(server.listening, 10, "Redis to listen")
        wait_until(lambda: _ask(server).reason is not Reason.REFUSED, 10, "Redis to accept")
        seen = _ask(server)
        assert (seen.reason, seen.message) == (Reason.LOADING, "LOADING Redis is loading the dataset in memory")


@pytest.mark.fault("host", "A script blocks Redis", "Redis says BUSY: `offline`.", within="F x P")
def test_a_busy_redis_is_offline() -> None:
    """A script that blocks everybody: Redis says BUSY once its time limit is over."""
    with Redis(extra=["lua-time-limit 1"]) as server, socket.create_connection((server.address, server.port)) as script:
        script.sendall(b"EVAL 'while true do end' 0\r\n")
        wait_until(lambda: _ask(server).reason is Reason.OFFLINE, 10, "Redis to notice")
        assert _ask(server).message.startswith("BUSY Redis is busy running a script.")


@pytest.mark.fault(
    "role", "A replica of Redis serves no stale data and has no master", "`not-replicating`.", within="F x P"
)
def test_a_replica_without_its_master_is_not_replicating() -> None:
    """replica-serve-stale-data no: MASTERDOWN."""
    with Redis(extra=["replica-serve-stale-data no"]) as server:
        server.command("REPLICAOF", "127.0.0.1", 1)
        seen = _ask(server)
    assert (seen.reason, seen.message.partition(" ")[0]) == (Reason.NOT_REPLICATING, "MASTERDOWN")
