"""A replica of each server: what it says of itself, and of what is wrong with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.matrix.versions import Version
from lab.servers import SqlServer
from lab.waiting import wait_until
from mooring.model.facts import Channel
from mooring.model.probes import Observation
from support.asked_server import PASSWORD, account, in_clear, probe, watching
from support.matrix import SQL, feature, few

_FEW = few(SQL, "9.7", "5.7", "11.8")
SECRET = "jane.roe@example.com"
BEAT = (
    "REPLACE INTO shop.heartbeat VALUES "
    "({}, DATE_FORMAT(UTC_TIMESTAMP(6) + INTERVAL {} SECOND, '%Y-%m-%dT%H:%i:%s.%f'))"
)


def _words(version: Version) -> dict[str, str]:
    """The statements of this version that set a replica up."""
    if version.kind == "mysql" and version.release >= (8, 4):
        change = "CHANGE REPLICATION SOURCE TO SOURCE_HOST='{}', SOURCE_PORT={}, SOURCE_USER='repl', "
        change += f"SOURCE_PASSWORD='{PASSWORD}', SOURCE_LOG_FILE='{{}}', SOURCE_LOG_POS={{}}, GET_SOURCE_PUBLIC_KEY=1"
        return {"position": "SHOW BINARY LOG STATUS", "change": change, "verb": "REPLICA"}
    change = "CHANGE MASTER TO MASTER_HOST='{}', MASTER_PORT={}, MASTER_USER='repl', "
    change += f"MASTER_PASSWORD='{PASSWORD}', MASTER_LOG_FILE='{{}}', MASTER_LOG_POS={{}}"
    if version.kind == "mysql" and version.release >= (8,):
        change += ", GET_MASTER_PUBLIC_KEY=1"
    return {"position": "SHOW MASTER STATUS", "change": change, "verb": "SLAVE"}


@pytest.fixture(scope="module")
def replica(version: Version, server: SqlServer) -> Iterator[SqlServer]:
    """One that follows ``server``; both have the account that probes, and a table."""
    words = _words(version)
    extra = ("--server-id=2", "--log-bin=binlog", "--relay-log=relay", "--read-only=1")
    with contextlib.ExitStack() as undo:
        made = undo.enter_context(version.server(extra=extra))
        assert isinstance(made, SqlServer)
        file, position, *_ = server.sql(words["position"])[0]
        undo.enter_context(account(server, "REPLICATION SLAVE ON *.*", user="repl"))
        undo.enter_context(account(server, *watching(server), "SELECT ON *.*"))
        undo.callback(server.sql, "DROP DATABASE shop")
        for statement in (
            "CREATE DATABASE shop",
            "CREATE TABLE shop.users (id INT PRIMARY KEY, mail VARCHAR(80))",
            "CREATE TABLE shop.heartbeat (server_id INT UNSIGNED PRIMARY KEY, ts VARCHAR(26) NOT NULL)",
        ):
            server.sql(statement)
        made.sql(words["change"].format(server.address, server.port, file, position))
        made.sql(f"START {words['verb']}")
        yield made
        made.sql(f"STOP {words['verb']}")


def _seen(replica: SqlServer, folder: Path, **block: Any) -> Observation:
    return probe(replica, folder, role="replica", **block, **in_clear(replica))


def _channel(replica: SqlServer, folder: Path, **block: Any) -> Channel | None:
    facts = _seen(replica, folder, **block).facts
    return facts.channels[0] if facts and facts.channels else None


@feature("replication", _FEW)
def test_a_replica_says_whom_it_follows_and_how_far_it_is(replica: SqlServer, server: SqlServer, folder: Path) -> None:
    """In one form for every version; a heartbeat's table shows the lag, and one in the future is told."""

    def keeps_up() -> bool:
        channel = _channel(replica, folder)
        return channel is not None and channel.receiving and channel.applying and channel.lag == 0

    wait_until(keeps_up, 30, "the replica to keep up")
    seen = _seen(replica, folder)
    assert seen.facts
    assert (seen.facts.role, seen.facts.read_only, seen.unread) == ("replica", "read_only=1", None)
    assert seen.facts.channels[0].source == f"{server.address}:{server.port}"
    source = probe(server, folder, role="primary", **in_clear(server)).facts
    assert source
    assert source.role == "primary"
    assert source.identity == seen.facts.channels[0].source_identity

    beats = {"heartbeat": {"table": "shop.heartbeat"}, "maxReplicationLagSeconds": 5}
    server.sql(BEAT.format("77", "-40"))
    wait_until(lambda: 39 < _lag(replica, folder, beats) < 60, 30, "the lag by a heartbeat of the chain's origin")
    server.sql(BEAT.format("@@server_id", "3600"))
    wait_until(lambda: _seen(replica, folder, **beats).unread is not None, 30, "a heartbeat in the future to be told")
    server.sql("DELETE FROM shop.heartbeat")


def _lag(replica: SqlServer, folder: Path, block: dict[str, Any]) -> float:
    channel = _channel(replica, folder, **block)
    return (channel.lag if channel else None) or 0.0


@feature("replication", _FEW)
def test_what_stops_a_replica_is_told_without_its_data(replica: SqlServer, server: SqlServer, folder: Path) -> None:
    """Code, table and position: the server's own text holds the statement or the row."""
    wait_until(lambda: bool(_table(replica)), 30, "the table")
    replica.sql("INSERT INTO shop.users VALUES (7, 'another')")
    server.sql(f"INSERT INTO shop.users VALUES (7, '{SECRET}')")

    def problem() -> str:
        channel = _channel(replica, folder)
        return "" if channel is None or channel.applying else channel.problem

    wait_until(lambda: bool(problem()), 30, "the replica to stop")
    assert "error 1062, duplicate key" in problem()
    assert SECRET not in problem()
    assert "another" not in problem()


def _table(replica: SqlServer) -> object:
    return replica.sql("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'users'")
