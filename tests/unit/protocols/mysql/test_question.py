"""Which servers are asked in which words. What MySQL knows is taken from its documentation, MariaDB's from 10.11."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mooring.protocols.mysql.question import LEARN, Flavour, flavour_of, modern, question_for
from support import packets

MARIADB = {
    "version": "10.11.19-MariaDB-0+deb12u1-log",
    **dict.fromkeys(("read_only", "wsrep_on"), "OFF"),
    "server_id": "1",
    "gtid_domain_id": "0",
    "wsrep_provider": "none",
}
MYSQL = {
    "version": "8.4.3",
    **dict.fromkeys(("read_only", "super_read_only", "offline_mode", "gtid_mode"), "OFF"),
    "server_id": "1",
    "server_uuid": "3e11fa47-71ca-11e1-9e33-c80aa9429562",
}
GALERA = {**MARIADB, "wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}
IN_GROUP = {**MYSQL, "group_replication_group_name": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"}


def texts(variables: dict[str, str], heartbeat: str | None = None) -> list[str]:
    return [statement.text for statement in question_for(flavour_of(variables), heartbeat).statements]


@pytest.mark.parametrize(
    ("variables", "flavour"),
    [
        (
            MARIADB,
            Flavour(
                mariadb=True,
                version=(10, 11, 19),
                settings=("read_only", "server_id", "gtid_binlog_state", "gtid_slave_pos"),
                galera=False,
                group=False,
            ),
        ),
        (
            MYSQL,
            Flavour(
                mariadb=False,
                version=(8, 4, 3),
                settings=("read_only", "super_read_only", "offline_mode", "server_uuid", "gtid_executed"),
                galera=False,
                group=False,
            ),
        ),
        (
            {"version": "5.1", "read_only": "OFF", "server_id": "1"},
            Flavour(mariadb=False, version=(5, 1, 0), settings=("read_only", "server_id"), galera=False, group=False),
        ),
        ({}, Flavour(mariadb=False, version=(), settings=(), galera=False, group=False)),
    ],
    ids=["mariadb", "mysql", "old", "nothing"],
)
def test_a_server_is_known_by_the_variables_that_it_has(variables: dict[str, str], flavour: Flavour) -> None:
    """Not by the version in its greeting, which is 5.5.5 for MariaDB 10, or any text that an administrator sets."""
    assert flavour_of(variables) == flavour


@pytest.mark.parametrize(
    ("variables", "galera"),
    [
        (GALERA, True),
        ({**GALERA, "wsrep_on": "OFF"}, False),
        ({**GALERA, "wsrep_provider": "none"}, False),
        ({**GALERA, "wsrep_provider": ""}, False),
        (MARIADB, False),
        (MYSQL, False),
    ],
)
def test_galera_is_where_a_provider_replicates(variables: dict[str, str], galera: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """Only there its status is asked for, which takes a server longer than all the rest, and what it rejects."""
    assert flavour_of(variables).galera is galera
    assert any("wsrep_local_state" in text for text in texts(variables)) is galera
    assert ("@@global.wsrep_reject_queries" in texts(variables)[0]) is galera


def test_a_group_is_asked_for_where_one_is_set_up() -> None:
    """The table of its members needs a grant, which nobody else is to be bothered with."""
    assert "replication_group_members" in texts(IN_GROUP)[-1]
    assert len(texts(MYSQL)) == len(texts({**IN_GROUP, "group_replication_group_name": ""})) == 2


@pytest.mark.parametrize(
    ("variables", "version", "text", "privilege"),
    [
        (MARIADB, "10.4.34-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICATION CLIENT ON *.*"),
        (MARIADB, "10.5.8-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICATION CLIENT ON *.*"),
        (MARIADB, "10.5.9-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICA MONITOR ON *.*"),
        (MARIADB, "11.8.2-MariaDB-ubu2404", "SHOW ALL SLAVES STATUS", "REPLICA MONITOR ON *.*"),
        (MYSQL, "5.7.44", "SHOW SLAVE STATUS", "REPLICATION CLIENT ON *.*"),
        (MYSQL, "8.0.21", "SHOW SLAVE STATUS", "REPLICATION CLIENT ON *.*"),
        (MYSQL, "8.0.22-13.1", "SHOW REPLICA STATUS", "REPLICATION CLIENT ON *.*"),
        (MYSQL, "9.1.0-commercial", "SHOW REPLICA STATUS", "REPLICATION CLIENT ON *.*"),
    ],
)
def test_channels_are_asked_for_in_the_words_of_the_version(
    variables: dict[str, str], version: str, text: str, privilege: str
) -> None:
    """MySQL 8.4 does not know the older ones any more. The privilege has another name where MariaDB split it."""
    channels = question_for(flavour_of({**variables, "version": version}), None).statements[1]
    assert (channels.text, channels.privilege) == (text, privilege)


def test_one_request_holds_all_statements() -> None:
    """One round trip, with the heartbeat's table of the file."""
    asked = question_for(flavour_of(GALERA), "percona.heartbeat")
    payload = packets.packet(b"\x03" + "; ".join(one.text for one in asked.statements).encode(), 0)
    assert asked.request == payload
    assert "FROM `percona`.`heartbeat` WHERE server_id <> @@global.server_id LIMIT" in asked.statements[2].text
    assert asked.statements[2].privilege == "SELECT ON `percona`.`heartbeat`"
    assert asked.wanted == tuple(one.columns for one in asked.statements)


def test_long_histories_are_cut_by_the_server() -> None:
    """One character more than the limit shows that the list was longer."""
    assert "LEFT(@@global.gtid_executed, 16385) AS gtid_executed" in texts(MYSQL)[0]


def test_equal_servers_share_a_question() -> None:
    """And so what is remembered of it; another version has its own."""
    first, second = flavour_of(MARIADB), flavour_of(dict(MARIADB))
    assert question_for(first, None) is question_for(second, None)
    assert question_for(first, None) is not question_for(replace(first, version=(11, 4, 2)), None)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("Master_Host", "Source_Host"),
        ("Slave_IO_Running", "Replica_IO_Running"),
        ("Seconds_Behind_Master", "Seconds_Behind_Source"),
        ("Source_UUID", "Source_UUID"),
    ],
)
def test_both_words_for_a_column_are_one(older: str, newer: str) -> None:
    """As MySQL 8.0.22 renamed them."""
    assert modern(older) == newer


def test_learning_needs_no_grant_and_can_miss_nothing() -> None:
    """A variable that a server does not have is not in the answer; asked for by itself it would be an error."""
    assert "; SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'read_only'," in LEARN
    assert LEARN.startswith(
        "SET autocommit=1 /*!50503 , lock_wait_timeout=60 */"
        " /*!50708 , max_execution_time=60000 */ /*M!100101 , max_statement_time=60 */;"
    )
