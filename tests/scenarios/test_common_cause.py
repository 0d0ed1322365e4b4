"""Two real MariaDB servers that answer Mooring's question with an error that no table knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import configuration
from lab.mooring import Daemon
from lab.process import start_all
from lab.servers import Mariadb

pytestmark = pytest.mark.needs_servers

SERVICE = "default/orders"
A, B = HOSTS = ("10.20.0.11", "10.20.0.12")
USER, PASSWORD = "mooring", "throw-away-of-a-test"
PERIOD = 2.0
"""Both servers get their policy long before one of them has failed three times."""
SOUND = "CREATE OR REPLACE FUNCTION probe.word() RETURNS INT DETERMINISTIC RETURN 1"
POLICY = (
    "CREATE OR REPLACE FUNCTION probe.word() RETURNS INT DETERMINISTIC BEGIN "
    "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31234, MESSAGE_TEXT = 'not by this account'; RETURN 1; END"
)


@pytest.fixture
def servers() -> Iterator[list[Mariadb]]:
    made = [Mariadb(address=f"127.0.0.{n}", accounts={USER: PASSWORD}) for n in (2, 3)]
    start_all(*made)
    for server in made:
        server.sql("CREATE DATABASE probe")
        server.sql(SOUND)
        server.sql(f"GRANT EXECUTE ON probe.* TO '{USER}'@'%'")
    yield made
    for server in made:
        server.close()


@pytest.mark.fault(
    "host",
    "All servers refuse the question by one policy",
    "`unknown: common-cause`; what one says alone takes that one out.",
    within="nothing moves",
)
def test_an_error_of_both_servers_moves_nothing_and_of_one_takes_that_one_out(
    servers: list[Mariadb], tmp_path: Path
) -> None:
    """A new policy on all servers is our account's trouble; what one server says alone is its own."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    block = {"user": USER, "passwordFile": str(secret), "query": "SELECT probe.word()", "expect": "1"}
    hosts = [configuration.at(address, server) for address, server in zip(HOSTS, servers, strict=True)]
    file = configuration.file(configuration.service("orders", "mysql", hosts, block=block), period=PERIOD)
    first, second = servers
    with Daemon(file, tmp_path / "state") as daemon:
        daemon.wait_ready(SERVICE, HOSTS, timeout=30)
        before = len(daemon.output)
        for server in servers:
            server.sql(POLICY)
        for address in HOSTS:
            daemon.wait_log("host.unknown", after=before, address=address, reason="common-cause", timeout=30)
        assert daemon.ready(SERVICE) == list(HOSTS)
        told = daemon.wait_log("host.unknown", after=before, address=A, reason="common-cause")
        assert "31234: not by this account" in told["message"]
        second.sql(SOUND)
        daemon.wait_log("host.not_ready", after=before, address=A, reason="protocol", timeout=30)
        daemon.wait_ready(SERVICE, [B], timeout=30)
        first.sql(SOUND)
        daemon.wait_ready(SERVICE, HOSTS, timeout=30)
        assert not daemon.logs("host.not_ready", after=before, address=B)
