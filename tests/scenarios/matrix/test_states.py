"""States in which a server runs and yet serves no client, or takes no writes."""

from __future__ import annotations

from pathlib import Path

import pymysql
import pytest

from lab.matrix.servers import RootedMysql
from lab.matrix.versions import Version
from lab.servers import SqlServer
from mooring.model.reasons import Reason
from mooring.protocols.mysql.login import CLIENT
from support.asked_server import PASSWORD, account, in_clear, probe, rights, watching
from support.held_session import ask, held, leave
from support.matrix import MYSQL, SQL, feature, few
from support.probe_once import target_of


def _global(server: SqlServer, setting: str, value: int) -> None:
    server.sql(f"SET GLOBAL {setting} = {value}")


@feature("offline_mode", MYSQL)
@pytest.mark.parametrize("role", ["any", "primary"])
def test_offline_mode_shows_whatever_the_account_may(server: SqlServer, folder: Path, role: str) -> None:
    """Applications are turned away, so the host is offline for every role; also where our account is let in."""
    with account(server, *watching(server), rights(server).kill):
        _global(server, "offline_mode", 1)
        try:
            seen = probe(server, folder, role=role, **in_clear(server))
        finally:
            _global(server, "offline_mode", 0)
        assert seen.reason is Reason.OFFLINE or (seen.facts and seen.facts.offline == "offline_mode=1")
        assert probe(server, folder, role=role, **in_clear(server)).reason is Reason.OK


@feature("offline_mode", MYSQL)
def test_offline_mode_shows_over_a_held_session(server: SqlServer, folder: Path) -> None:
    """At the next question, whatever the account may."""
    assert CLIENT.login
    with account(server, rights(server).kill):
        block = {"user": "mooring", "passwordFile": str(folder / "password"), **in_clear(server)}
        target = target_of("mysql", server.address, server.port, timeout=20.0, **block)
        session = held(target)
        try:
            answers = []
            for value in (0, 1, 0):
                _global(server, "offline_mode", value)
                answer = ask(session, target)
                assert answer
                answers.append((answer.observation.reason, answer.keep))
        finally:
            _global(server, "offline_mode", 0)
            leave(session)
    assert answers == [(Reason.OK, True), (Reason.OFFLINE, True), (Reason.OK, True)]


@feature("read-only", SQL)
@pytest.mark.parametrize("setting", ["read_only", "super_read_only", "transaction_read_only", "tx_read_only"])
def test_a_server_that_takes_no_writes_is_read_only(server: SqlServer, folder: Path, setting: str) -> None:
    """By whichever of its settings; it is never taken for the primary."""
    if not server.sql(f"SHOW GLOBAL VARIABLES LIKE '{setting}'"):
        return  # this one does not have it
    with account(server, *watching(server)):
        _global(server, setting, 1)
        try:
            seen = probe(server, folder, role="primary", **in_clear(server))
        finally:
            for name in ("super_read_only", "read_only") if setting == "super_read_only" else (setting,):
                _global(server, name, 0)
    assert seen.facts
    assert seen.facts.read_only.startswith(f"{setting}=") or (setting, seen.facts.read_only[:25]) in {
        ("tx_read_only", "transaction_read_only=1"),
        ("transaction_read_only", "tx_read_only=1"),
    }


_STORAGE = {"innodb-read-only": "innodb_read_only=1", "innodb-force-recovery": "innodb_force_recovery=1"}


@feature("read-only", few(MYSQL, "9.7", "8.0.31", "5.7"))
def test_a_server_whose_storage_takes_no_writes_is_read_only(version: Version, folder: Path) -> None:
    """As a reader of Aurora, and as a server that an administrator started to save its data: ``read_only`` is off."""
    with version.server() as server:
        assert isinstance(server, RootedMysql)
        server.sql("CREATE DATABASE shop")
        server.sql("CREATE TABLE shop.orders (number INT PRIMARY KEY)")
        server.sql(f"CREATE USER mooring@'%' IDENTIFIED BY '{PASSWORD}'")
        for grant in watching(server):
            server.sql(f"GRANT {grant} TO mooring@'%'")
        assert _seen_and_refused(server, folder) == ("", False)
        for option, named in _STORAGE.items():
            server.stop()
            server.extra = (f"--{option}=1",)
            server.start()
            assert _seen_and_refused(server, folder) == (named, True)


def _seen_and_refused(server: SqlServer, folder: Path) -> tuple[str, bool]:
    """Which setting Mooring sees, and whether the server refuses a write."""
    facts = probe(server, folder, role="primary", **in_clear(server)).facts
    assert facts
    try:
        server.sql("REPLACE INTO shop.orders VALUES (1)")
    except pymysql.MySQLError:
        return facts.read_only, True
    return facts.read_only, False


@feature("bounded questions", SQL)
def test_the_server_itself_bounds_the_query_of_the_file(server: SqlServer, folder: Path) -> None:
    """A query whose answer nobody awaits any more ends after a minute: MariaDB ends any, MySQL a SELECT; and on both
    no statement waits longer than that for a table that somebody locks.
    """
    mariadb = rights(server).mariadb
    bound = "@@max_statement_time + 0" if mariadb else "@@max_execution_time / 1000"
    query = f"SELECT CONCAT(ROUND({bound}), ' ', @@lock_wait_timeout)"
    with account(server):
        seen = probe(server, folder, query=query, **in_clear(server))
    assert (seen.reason, seen.answer) == (Reason.OK, "60 60")
