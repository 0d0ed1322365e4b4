"""The questions to MySQL: the same right after a login and over a held session."""

from __future__ import annotations

import pytest

from mooring.protocols.mysql.asking import exchange
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.mysql.question import Server, flavour_of
from mooring.protocols.mysql.results import AskFacts
from mooring.protocols.mysql.wire import Ping, Query

MARIADB = Server(
    flavour_of({"version": "10.11.6-MariaDB", "gtid_domain_id": "0", "read_only": "OFF", "server_id": "1"})
)


@pytest.mark.parametrize(
    ("block", "server", "question"),
    [
        ({}, None, Ping),
        ({"query": "SELECT 1 FROM t"}, None, Query),
        ({"role": "replica"}, MARIADB, AskFacts),
        ({"role": "any"}, MARIADB, Ping),
        ({"role": "replica"}, None, Ping),
    ],
    ids=["nothing", "a query", "a role", "any role", "a role, of a server that no login has learned of"],
)
def test_the_block_and_the_server_choose_the_question(
    block: dict[str, str], server: Server | None, question: type[object]
) -> None:
    """COM_PING unless the file has a query, or asks for a role of a server whose dialect is known."""
    assert isinstance(exchange(MysqlOptions.model_validate(block), server), question)


def test_the_heartbeat_table_of_the_file_is_read() -> None:
    """Only where the block names one."""
    block = {"role": "replica", "maxReplicationLagSeconds": 5}
    plain = exchange(MysqlOptions.model_validate(block), MARIADB)
    beating = exchange(MysqlOptions.model_validate({**block, "heartbeat": {"table": "percona.heartbeat"}}), MARIADB)
    assert b"`percona`.`heartbeat`" in beating.request
    assert b"heartbeat" not in plain.request
