"""A real MariaDB that takes no writes though its `read_only` is off."""

from __future__ import annotations

from pathlib import Path

import pymysql
import pytest

from lab.servers import Mariadb
from mooring.model.facts import Facts
from support.probe_once import ask

pytestmark = pytest.mark.needs_servers

USER, PASSWORD = "mooring", "throw-away-of-a-test"


def _facts(server: Mariadb, folder: Path) -> Facts:
    (folder / "password").write_text(PASSWORD)
    block = {"user": USER, "passwordFile": str(folder / "password"), "role": "primary"}
    seen = ask("mysql", server.address, server.port, timeout=10.0, **block)
    assert seen.facts, seen
    return seen.facts


def _writes(server: Mariadb) -> bool:
    try:
        server.sql("CREATE TABLE test.written (i INT) ENGINE=InnoDB")
        server.sql("INSERT INTO test.written VALUES (1)")
    except pymysql.MySQLError:
        return False
    return True


@pytest.mark.parametrize(
    ("setting", "read_only"),
    [
        ("--innodb-force-recovery=6", "innodb_read_only=1"),
        ("--innodb-force-recovery=5", "innodb_force_recovery=5"),
        ("--innodb-force-recovery=1", ""),
    ],
)
def test_what_refuses_writes_is_read_only(setting: str, read_only: str, tmp_path: Path) -> None:
    """It is never taken for the primary; one that takes writes is."""
    with Mariadb(accounts={USER: PASSWORD}, extra=(setting,)) as server:
        server.sql(f"GRANT REPLICA MONITOR ON *.* TO {USER}@'%'")
        server.sql("CREATE DATABASE IF NOT EXISTS test")
        assert _facts(server, tmp_path).read_only == read_only
        assert _writes(server) is (read_only == "")


def test_transactions_that_only_read_take_no_writes(tmp_path: Path) -> None:
    """By the setting that new sessions get."""
    with Mariadb(accounts={USER: PASSWORD}) as server:
        server.sql(f"GRANT REPLICA MONITOR ON *.* TO {USER}@'%'")
        server.sql("SET GLOBAL tx_read_only = 1")
        assert _facts(server, tmp_path).read_only == "tx_read_only=1"
        server.sql("SET GLOBAL tx_read_only = 0")
