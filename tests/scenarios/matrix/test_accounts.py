"""The account that probes: how it logs in on each server, and what a refusal says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.matrix.servers import RootedMysql
from lab.matrix.versions import Version
from lab.process import Server
from lab.servers import SqlServer
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.mysql.public_key import NO_KEY, REFUSED
from support.asked_server import PASSWORD, SECONDS, WRONG, account, in_clear, probe, watching
from support.held_session import held, leave
from support.matrix import MARIADB, MYSQL, SQL, feature
from support.probe_once import target_of

_ED25519 = f"ed25519 USING PASSWORD('{PASSWORD}')"
_NATIVE = f"mysql_native_password USING PASSWORD('{PASSWORD}')"
_OTHER_ED25519 = f"ed25519 USING PASSWORD('{WRONG}')"
_OTHER_NATIVE = f"mysql_native_password USING PASSWORD('{WRONG}')"
_PARSEC = f"parsec USING PASSWORD('{PASSWORD}')"
_OTHER_PARSEC = f"parsec USING PASSWORD('{WRONG}')"


def _install(server: SqlServer, name: str, library: str) -> None:
    known = server.sql(f"SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = '{name}'")
    if not known:
        server.sql(f"INSTALL SONAME '{library}'")


@feature("login")
def test_the_documented_account_gets_in(server: Server, folder: Path) -> None:
    """By the server's default method and with nothing but the documented rights, also for roles."""
    with account(server, *watching(server)):
        assert probe(server, folder, **in_clear(server)).reason is Reason.OK
        seen = probe(server, folder, role="primary", **in_clear(server))
    assert (seen.reason, seen.unread) == (Reason.OK, None)
    assert seen.facts
    assert not seen.facts.read_only


@feature("wrong password")
def test_a_wrong_password_is_no_failure_of_the_host(server: Server, folder: Path) -> None:
    """Whatever error the server has for it."""
    with account(server, *watching(server)):
        assert probe(server, folder, password="wrong", **in_clear(server)).reason is Reason.AUTH


@feature("account is told", SQL)
@pytest.mark.parametrize("role", ["any", "primary"])
def test_a_refusal_has_the_statements_that_make_the_account(server: SqlServer, folder: Path, role: str) -> None:
    """They work as they stand, but for the password. A server that knows no account for our address says no version,
    so that its second refusal has the grant.
    """
    done: list[str] = []
    try:
        for _ in range(2):
            seen = probe(server, folder, role=role, **in_clear(server))
            for statement in _statements(seen):
                server.sql(statement)
                done.append(statement)
        seen = probe(server, folder, role=role, **in_clear(server))
        assert (seen.reason, seen.unread) == (Reason.OK, None), done
    finally:
        for statement in done[:1]:
            server.sql(statement.replace("CREATE USER", "DROP USER").partition(" IDENTIFIED")[0])


def _statements(seen: Observation) -> list[str]:
    if seen.unread is not None:
        return [seen.unread.message.removeprefix("needs ").partition(" (")[0]]
    told = seen.message.partition("no such account: ")[2].replace("…", PASSWORD)
    return told.split("; ") if told else []


@feature("account states", SQL)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ACCOUNT LOCK", Reason.AUTH),
        ("PASSWORD EXPIRE", Reason.AUTH),
        ("WITH MAX_CONNECTIONS_PER_HOUR 1", Reason.QUOTA),
        ("REQUIRE X509", Reason.AUTH),
    ],
)
def test_an_account_that_may_not_is_no_failure_of_the_host(
    server: SqlServer, folder: Path, change: str, reason: Reason
) -> None:
    """Locked, expired, out of its quota, or not allowed without a certificate."""
    with account(server):
        server.sql(f"ALTER USER mooring@'%' {change}")
        try:
            probe(server, folder, **in_clear(server))
            assert probe(server, folder, **in_clear(server)).reason is reason
        finally:
            server.sql("FLUSH USER_RESOURCES")  # MySQL 5.7 counts on for the next account of that name


_LOCKING = [one for one in SQL if one.kind == "mariadb" or one.release >= (8, 0, 19)]


@feature("account states", _LOCKING)
def test_an_account_that_too_many_wrong_passwords_locked_is_no_failure_of_the_host(
    server: SqlServer, folder: Path
) -> None:
    """MariaDB's `max_password_errors` (4150), MySQL's FAILED_LOGIN_ATTEMPTS (3955): also with the right password."""
    with account(server):
        if isinstance(server, RootedMysql):
            server.sql("ALTER USER mooring@'%' FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME 1")
        else:
            server.sql("SET GLOBAL max_password_errors = 2")
        try:
            passwords = ("wrong", "wrong", "wrong", "password")
            seen = [probe(server, folder, password=one, **in_clear(server)) for one in passwords]
        finally:
            if not isinstance(server, RootedMysql):
                server.sql("SET GLOBAL max_password_errors = DEFAULT")
                server.sql("FLUSH PRIVILEGES")
    assert {one.reason for one in seen} == {Reason.AUTH}
    assert "blocked" in seen[-1].message


@feature("account states", SQL)
def test_an_account_with_too_few_connections_is_no_failure_of_the_host(server: SqlServer, folder: Path) -> None:
    """MAX_USER_CONNECTIONS 1: the session that Mooring holds is the one, and a full login is the second."""
    with account(server):
        server.sql("ALTER USER mooring@'%' WITH MAX_USER_CONNECTIONS 1")
        block = {"user": "mooring", "passwordFile": str(folder / "password"), **in_clear(server)}
        session = held(target_of("mysql", server.address, server.port, timeout=SECONDS, **block))
        try:
            assert probe(server, folder, **in_clear(server)).reason is Reason.QUOTA
        finally:
            leave(session)


@feature("several methods", MARIADB)
@pytest.mark.parametrize(
    "how",
    [
        _ED25519,
        f"{_ED25519} OR {_NATIVE}",
        f"{_NATIVE} OR {_ED25519}",
        f"{_OTHER_ED25519} OR {_NATIVE}",
        f"{_OTHER_NATIVE} OR {_ED25519}",
        f"unix_socket OR {_OTHER_ED25519} OR {_NATIVE}",
    ],
)
def test_an_account_with_several_methods_gets_in_by_any(server: SqlServer, folder: Path, how: str) -> None:
    """Whichever of them has the password, in whatever order."""
    _install(server, "ed25519", "auth_ed25519")
    with account(server, how=f"IDENTIFIED VIA {how}"):
        assert probe(server, folder).reason is Reason.OK


@feature("several methods", MARIADB)
def test_a_password_that_no_method_takes_is_no_failure_of_the_host(server: SqlServer, folder: Path) -> None:
    """It is a wrong password, as with one method."""
    _install(server, "ed25519", "auth_ed25519")
    with account(server, how=f"IDENTIFIED VIA {_OTHER_ED25519} OR {_OTHER_NATIVE}"):
        assert probe(server, folder).reason is Reason.AUTH


@feature("parsec", [version for version in MARIADB if version.release >= (11, 6)])
@pytest.mark.parametrize("how", [_PARSEC, f"{_OTHER_PARSEC} OR {_NATIVE}", f"{_OTHER_NATIVE} OR {_PARSEC}"])
def test_parsec_gets_in(server: SqlServer, version: Version, folder: Path, how: str) -> None:
    """The method that MariaDB has for passwords since 11.6."""
    del version
    _install(server, "parsec", "auth_parsec")
    with account(server, how=f"IDENTIFIED VIA {how}"):
        assert probe(server, folder).reason is Reason.OK


_NO_KEYS = [
    "--caching-sha2-password-auto-generate-rsa-keys=OFF",
    "--caching-sha2-password-private-key-path=none.pem",
    "--caching-sha2-password-public-key-path=none.pem",
    "--sha256-password-auto-generate-rsa-keys=OFF",
    "--sha256-password-private-key-path=none.pem",
    "--sha256-password-public-key-path=none.pem",
]


@feature("account is told", [one for one in MYSQL if one.number in ("9.7", "8.0.31")])
def test_a_server_without_a_key_says_no_wrong_password(version: Version, folder: Path) -> None:
    """It refuses to hand out a key, by the error of a wrong password: the message says what is missing, and the way
    out; under TLS the same login passes.
    """
    with version.server(extra=_NO_KEYS) as keyless:
        assert isinstance(keyless, RootedMysql)
        for method in ("caching_sha2_password", "sha256_password"):
            with account(keyless, how=f"IDENTIFIED WITH {method} BY '{PASSWORD}'"):
                refused = probe(keyless, folder)
                asked = probe(keyless, folder, serverPublicKey="request")
                encrypted = probe(keyless, folder, tls={"mode": "required"})
            assert (refused.reason, refused.message) == (Reason.AUTH, REFUSED), method
            assert (asked.reason, asked.message) == (Reason.AUTH, NO_KEY), method
            assert encrypted.reason is Reason.OK, method
        assert keyless.status("Aborted_clients") == 0
