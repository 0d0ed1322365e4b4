"""The account that probes, in the words of each server and version."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.protocols.mysql.rights import how_to_make, quote_account, release_of, rights_of

DOCS = Path(__file__).parents[4] / "docs"


@pytest.mark.parametrize(
    ("version", "roles", "kill", "privileged"),
    [
        ("5.7.22-log", "REPLICATION CLIENT", "PROCESS, SUPER", ""),
        ("8.0.15", "REPLICATION CLIENT", "PROCESS, CONNECTION_ADMIN", ""),
        ("8.0.31", "REPLICATION CLIENT", "PROCESS, CONNECTION_ADMIN", "SYSTEM_USER"),
        ("9.7.4", "REPLICATION CLIENT", "PROCESS, CONNECTION_ADMIN", "SYSTEM_USER"),
        ("10.4.32-MariaDB", "REPLICATION CLIENT", "PROCESS, SUPER", ""),
        ("5.5.5-10.5.23-MariaDB-0+deb11u1", "REPLICA MONITOR", "PROCESS, CONNECTION ADMIN", ""),
        ("11.8.9-MariaDB-0+deb13u1 from Debian-log", "REPLICA MONITOR", "PROCESS, CONNECTION ADMIN", ""),
    ],
)
def test_rights_have_the_names_of_the_version(version: str, roles: str, kill: str, privileged: str) -> None:
    """A grant of another version's name is a syntax error."""
    rights = rights_of(version)
    assert (rights.roles, rights.kill) == (f"{roles} ON *.*", f"{kill} ON *.*")
    assert rights.kill_privileged == (privileged and f"{privileged} ON *.*")


@pytest.mark.parametrize(
    ("version", "column"),
    [("5.7.22", 2), ("8.0.31", 2), ("9.7.4", 2), ("10.4.32-MariaDB", 2), ("10.5.9-MariaDB", 1), ("11.8.9-MariaDB", 1)],
)
def test_the_documentation_has_the_same_names(version: str, column: int) -> None:
    """The table of grants in docs/databases.md, and the statements of docs/following-a-failover.md."""
    table = [line.split(" | ") for line in (DOCS / "databases.md").read_text().splitlines()]
    roles, kill = (next(row for row in table if row[0].startswith(check)) for check in ("`role: primary`", "`onDemote"))
    rights = rights_of(version)
    assert f"`{rights.roles}`" in roles[column]
    assert f"`{rights.kill}`" in kill[column]
    assert not rights.kill_privileged or f"`{rights.kill_privileged}`" in kill[column]
    statements = (DOCS / "following-a-failover.md").read_text()
    assert [f"GRANT {right} TO" in statements for right in (rights.roles, rights.kill)] == [True, True]


@pytest.mark.parametrize(("version", "release"), [("8.4.2-log", (8, 4, 2)), ("10", (10, 0, 0)), ("?", ())])
def test_a_release_is_the_numbers_of_a_version(version: str, release: tuple[int, ...]) -> None:
    """Whatever follows them, and nothing where an administrator wrote another text."""
    assert release_of(version) == release


def test_an_account_is_quoted_for_a_statement() -> None:
    """A name may have quotes and an @ in it."""
    assert quote_account("o'brien@shop@10.%") == "'o''brien@shop'@'10.%'"


def test_a_refusal_for_want_of_an_account_says_how_to_make_it() -> None:
    """For the host that the server saw us come from, with the grant where roles are asked for."""
    denied = "Access denied for user 'mooring'@'10.77.0.1' (using password: YES)"
    create = "; if it has no such account: CREATE USER 'mooring'@'10.77.0.1' IDENTIFIED BY '…'"
    assert how_to_make(1045, denied, "mooring", None) == create
    rights = rights_of("10.11.6-MariaDB")
    assert how_to_make(1045, denied, "mooring", rights) == create + "; GRANT REPLICA MONITOR ON *.* TO " + (
        "'mooring'@'10.77.0.1'"
    )
    assert how_to_make(1130, "Host '10.77.0.1' is not allowed to connect", "mooring", None) == create


@pytest.mark.parametrize(
    ("code", "text"), [(3118, "Access denied for user 'm'@'h'. Account is locked."), (1045, "Access denied"), (0, "")]
)
def test_another_refusal_says_nothing_of_it(code: int, text: str) -> None:
    """A locked account is there; and without a host there is no statement."""
    assert how_to_make(code, text, "mooring", None) == ""
