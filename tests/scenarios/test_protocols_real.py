"""The probes against real servers: what an administrator sets up, and what a server then says of us."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from lab.certificates import issue
from lab.process import Server
from lab.servers import Certificate, Mariadb, Redis
from lab.waiting import wait_until
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from support.probe_once import ask

pytestmark = pytest.mark.needs_servers

USER, PASSWORD = "probe", "correct-horse-battery"
COUNTERS = ("Aborted_connects", "Aborted_connects_preauth", "Aborted_clients")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Secrets: ``password`` and ``wrong``; CAs: ``authority.pem`` of the servers, ``other.pem`` of nobody."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "password").write_text(f"{PASSWORD}\n")
    (folder / "wrong").write_text("wrong-horse\n")
    (folder / "other").mkdir()
    issue(folder / "other", "db.internal").authority.rename(folder / "other.pem")
    return folder


@pytest.fixture(scope="module")
def certificate(folder: Path) -> Certificate:
    return issue(folder, "db.internal", "127.0.0.1")


@pytest.fixture(scope="module")
def mariadb(certificate: Certificate) -> Iterator[Mariadb]:
    extra = ("--plugin-load-add=auth_ed25519", "--max-connections=10")
    with Mariadb(accounts={USER: PASSWORD, "open": ""}, tls=certificate, extra=extra) as server:
        server.sql(f"CREATE USER edward@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}')")
        server.sql(f"CREATE USER secure@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE SSL")
        yield server


@pytest.fixture(scope="module")
def redis(certificate: Certificate) -> Iterator[Redis]:
    with Redis(password=PASSWORD, accounts={USER: PASSWORD}, tls=certificate) as server:
        server.command("ACL", "SETUSER", "narrow", "on", f">{PASSWORD}", "-@all", "+auth")
        yield server


@pytest.fixture(params=["mariadb", "redis"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the servers with TLS in turn."""
    running: Server = request.getfixturevalue(request.param)
    return running


def _ask(server: Server, **block: Any) -> Observation:
    return ask(server.kind.replace("mariadb", "mysql"), server.address, server.port, timeout=20.0, **block)


def _tls(folder: Path, authority: str = "authority.pem", **block: str) -> dict[str, str]:
    return {"caFile": str(folder / authority), **block}


@pytest.mark.parametrize("user", [USER, "edward"], ids=["mysql_native_password", "ed25519"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_mariadb_lets_us_in(mariadb: Mariadb, folder: Path, user: str, encrypted: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """By either login method, with TLS and without."""
    block: dict[str, Any] = {"tls": _tls(folder)} if encrypted else {}
    seen = _ask(mariadb, user=user, passwordFile=str(folder / "password"), **block)
    assert (seen.reason, seen.message) == (Reason.OK, "")


@pytest.mark.parametrize("user", [USER, "edward", "nobody"])
def test_mariadb_refuses_a_wrong_password(mariadb: Mariadb, folder: Path, user: str) -> None:
    """An unknown outcome that names the code and not the password."""
    seen = _ask(mariadb, user=user, passwordFile=str(folder / "wrong"))
    assert seen.reason is Reason.AUTH
    assert seen.message.startswith(f"1045: Access denied for user '{user}'")


def test_mariadb_lets_an_account_without_password_in(mariadb: Mariadb) -> None:
    """A user without passwordFile logs in with none."""
    assert _ask(mariadb, user="open").reason is Reason.OK


def test_an_account_that_requires_tls_gets_it(mariadb: Mariadb, folder: Path) -> None:
    """REQUIRE SSL refuses us without a tls block, which is our fault, and lets us in with one."""
    password = str(folder / "password")
    assert _ask(mariadb, user="secure", passwordFile=password).reason is Reason.AUTH
    assert _ask(mariadb, user="secure", passwordFile=password, tls=_tls(folder)).reason is Reason.OK


@pytest.mark.parametrize(
    "block",
    [{}, {"serverName": "db.internal"}, {"mode": "verify-ca", "serverName": "db2.internal"}],
    ids=["address", "name", "any-name"],
)
def test_a_server_that_proves_itself_is_trusted(server: Server, folder: Path, block: dict[str, str]) -> None:
    """By address, by name, or by its CA alone; alike for MariaDB and Redis."""
    seen = _ask(server, user=USER, passwordFile=str(folder / "password"), tls=_tls(folder, **block))
    assert (seen.reason, seen.message) == (Reason.OK, "")


@pytest.mark.fault("account", "A server cannot prove who it is", "`tls`; it is sent no password.", within="F x P")
@pytest.mark.parametrize(
    ("authority", "block", "sentence"),
    [
        ("authority.pem", {"serverName": "db2.internal"}, "Hostname mismatch"),
        ("other.pem", {}, "certificate: "),
        ("other.pem", {"mode": "verify-ca"}, "certificate: "),
    ],
    ids=["wrong-name", "wrong-ca", "only-a-wrong-ca"],
)
def test_a_server_that_cannot_prove_itself_gets_no_login(
    server: Server, folder: Path, authority: str, block: dict[str, str], sentence: str
) -> None:
    """The reason is tls, with OpenSSL's sentence."""
    seen = _ask(server, user=USER, passwordFile=str(folder / "password"), tls=_tls(folder, authority, **block))
    assert seen.reason is Reason.TLS
    assert sentence in seen.message


@pytest.mark.parametrize(
    ("block", "probes"),
    [
        pytest.param({"user": USER}, 500, id="plain"),
        pytest.param({"user": USER, "tls": True}, 100, id="tls"),
        pytest.param({"user": USER, "query": "SELECT x FROM absent.t"}, 50, id="failing-query"),
    ],
)
def test_probes_leave_no_trace_of_broken_connections(
    mariadb: Mariadb, folder: Path, block: dict[str, Any], probes: int
) -> None:
    """No counter moves that ends in max_connect_errors or in an administrator's question."""
    if "tls" in block:
        block = {**block, "tls": _tls(folder)}
    _settle(mariadb)
    before = [mariadb.status(name) for name in COUNTERS]
    for _ in range(probes):
        _ask(mariadb, passwordFile=str(folder / "password"), **block)
    _settle(mariadb)
    assert [mariadb.status(name) for name in COUNTERS] == before


def test_a_question_that_takes_too_long_leaves_no_trace(mariadb: Mariadb, folder: Path) -> None:
    """The probe ends at its deadline, and says goodbye all the same: the server reads it when it is done."""
    _settle(mariadb)
    before = [mariadb.status(name) for name in COUNTERS]
    password = str(folder / "password")
    for _ in range(2):
        target = ("mysql", mariadb.address, mariadb.port)
        seen = ask(*target, timeout=4, user=USER, passwordFile=password, query="SELECT SLEEP(5)")
        assert seen.reason is Reason.TIMEOUT
    _settle(mariadb)
    assert [mariadb.status(name) for name in COUNTERS] == before


def test_strangers_leave_no_trace_before_login(mariadb: Mariadb) -> None:
    """500 polite refusals: each counts as a failed login, none as a connection broken before it."""
    _settle(mariadb)
    before = [mariadb.status(name) for name in COUNTERS]
    for _ in range(500):
        assert _ask(mariadb).reason is Reason.AUTH
    _settle(mariadb)
    assert [mariadb.status(name) for name in COUNTERS[1:]] == before[1:]


@pytest.mark.fault(
    "account",
    "A server offers no TLS where the file asks for it",
    "`tls`, and the server does not block us for it.",
    within="F x P",
)
def test_a_server_without_tls_is_left_politely(folder: Path) -> None:
    """A tls block against a server that offers none fails as tls, and does not make the server block us."""
    with Mariadb(accounts={USER: PASSWORD}) as server:
        before = server.status("Aborted_connects_preauth")
        for _ in range(20):
            seen = _ask(server, user=USER, passwordFile=str(folder / "password"), tls={})
            assert (seen.reason, seen.message) == (Reason.TLS, "offers no TLS")
        _settle(server)
        assert server.status("Aborted_connects_preauth") == before


def _settle(server: Mariadb) -> None:
    wait_until(lambda: server.status("Threads_connected") == 1, 10, "all sessions to end")


def test_a_full_mariadb_is_saturated(mariadb: Mariadb, folder: Path) -> None:
    """1040: no connection left, which is not the same as dead."""
    _settle(mariadb)
    with contextlib.ExitStack() as held:
        for _ in range(10):
            held.enter_context(
                pymysql.connect(
                    host=mariadb.address, port=mariadb.port, user=USER, password=PASSWORD, ssl_disabled=True
                )
            )
        seen = _ask(mariadb, user=USER, passwordFile=str(folder / "password"))
        assert (seen.reason, seen.message) == (Reason.SATURATED, "1040: Too many connections")


@pytest.mark.parametrize(
    ("query", "reason", "answer"),
    [
        ("SELECT @@global.read_only", Reason.OK, "0"),
        ("SELECT 'größer', 2 UNION SELECT 'kleiner', 3", Reason.OK, "größer"),
        ("SELECT NULL", Reason.OK, "NULL"),
        ("SELECT x'ff41'", Reason.OK, "\ufffdA"),
        ("SELECT 1 FROM DUAL WHERE 1 = 2", Reason.OFFLINE, None),
        ("DO 1", Reason.PROTOCOL, None),
        ("SELECT x FROM mysql.absent", Reason.AUTH, None),
        ("SELEKT 1", Reason.LOCAL, None),
        ("SELECT 1; SELECT 2", Reason.LOCAL, None),
        (
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION SELECT n + 1 FROM t WHERE n < 900) SELECT REPEAT('x', 100) FROM t",
            Reason.PROTOCOL,
            None,
        ),
    ],
)
def test_mariadb_answers_a_query(
    mariadb: Mariadb, folder: Path, query: str, reason: Reason, answer: str | None
) -> None:
    """The first column of the first row as text, of one statement."""
    seen = _ask(mariadb, user=USER, passwordFile=str(folder / "password"), query=query)
    assert (seen.reason, seen.answer) == (reason, answer), seen


@pytest.mark.parametrize(
    ("block", "reason", "word"),
    [
        ({"passwordFile": "password"}, Reason.OK, ""),
        ({"passwordFile": "password", "user": "default"}, Reason.OK, ""),
        ({"passwordFile": "password", "user": USER}, Reason.OK, ""),
        ({"passwordFile": "password", "user": "narrow"}, Reason.AUTH, "NOPERM"),
        ({"passwordFile": "password", "user": "nobody"}, Reason.AUTH, "WRONGPASS"),
        ({"passwordFile": "wrong"}, Reason.AUTH, "WRONGPASS"),
        ({}, Reason.AUTH, "NOAUTH"),
    ],
    ids=["default", "named-default", "acl-user", "narrow-user", "unknown-user", "wrong-password", "no-password"],
)
def test_redis_accounts(redis: Redis, folder: Path, block: dict[str, Any], reason: Reason, word: str) -> None:
    """AUTH by password and by ACL user; every refusal is an unknown outcome that starts with Redis' own word."""
    if "passwordFile" in block:
        block = {**block, "passwordFile": str(folder / block["passwordFile"])}
    seen = _ask(redis, tls=_tls(folder), **block)
    assert seen.reason is reason
    assert seen.message.startswith(word)
