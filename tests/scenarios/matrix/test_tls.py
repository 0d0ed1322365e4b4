"""TLS as servers have it from the start, and as an administrator sets it up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.certificates import issue
from lab.matrix.servers import RootedMysql
from lab.matrix.versions import VERSIONS, Version
from lab.process import Server
from lab.servers import Certificate, Mariadb, Redis, SqlServer
from mooring.model.reasons import Reason
from support.asked_server import account, probe
from support.matrix import MYSQL, SQL, feature, few

NAME, OTHER = "db1.example.com", "db2.example.com"

_MADE_BY_ITSELF = [one for one in SQL if one.release >= ((8,) if one.kind == "mysql" else (11, 4)) and one.root]
"""They have a certificate that they made themselves."""
_SPEAKING = [one for one in VERSIONS if one.number not in ("5.7", "8.0.15")]
"""MySQL 5.7.22 as a jar speaks no TLS that a client of today speaks, and 8.0.15 knows no certificate of the test's kind
(ECDSA).
"""
_FEW = few(_SPEAKING, "9.7", "11.8", "8.0", "9")


@feature("TLS as installed", _MADE_BY_ITSELF)
def test_a_server_s_own_certificate_is_enough_to_encrypt(server: SqlServer, folder: Path) -> None:
    """Where nobody signed it and it lives in memory alone: `mode: required`; with the default it is a `tls` failure."""
    with account(server, how="IDENTIFIED BY 'throw-away-of-a-test' REQUIRE SSL"):
        assert probe(server, folder, tls={"mode": "required"}).reason is Reason.OK
        assert probe(server, folder, tls={}).reason is Reason.TLS
        assert probe(server, folder, serverPublicKey="request").reason is Reason.AUTH


@feature("TLS as installed", _MADE_BY_ITSELF)
def test_an_account_s_name_may_have_an_at_sign(server: SqlServer, folder: Path) -> None:
    """A stand-in for `user@server` of a managed database: with TLS it gets in, in clear it is our account's fault."""
    name = "mooring@db1"
    with account(server, how="IDENTIFIED BY 'throw-away-of-a-test' REQUIRE SSL", user=f"'{name}'"):
        assert probe(server, folder, user=name, tls={"mode": "required"}).reason is Reason.OK
        assert probe(server, folder, user=name, serverPublicKey="request").reason is Reason.AUTH
        assert probe(server, folder, user="mooring", tls={"mode": "required"}).reason is Reason.AUTH


@feature("TLS as installed", [one for one in MYSQL if one.release >= (8,)])
def test_mysql_s_own_authority_proves_the_server(server: RootedMysql, folder: Path) -> None:
    """By `verify-ca`; the certificate bears no name."""
    authority = folder / "mysql-ca.pem"
    authority.write_bytes(server.authority.read_bytes())
    with account(server):
        assert probe(server, folder, tls={"mode": "verify-ca", "caFile": str(authority)}).reason is Reason.OK
        assert probe(server, folder, tls={"caFile": str(authority)}).reason is Reason.TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("certificates"), NAME)


@pytest.fixture(scope="module")
def secure(version: Version, certificate: Certificate) -> Iterator[Server]:
    """One with that certificate, which asks its clients for theirs; Redis insists."""
    extra = ("tls-auth-clients yes",) if version.protocol == "redis" else ()
    with version.server(tls=certificate, extra=extra) as made:
        yield made


def _tls(certificate: Certificate, *, own: bool, **more: str) -> dict[str, Any]:
    pair = {"certFile": str(certificate.certificate), "keyFile": str(certificate.key)} if own else {}
    return {"caFile": str(certificate.authority), "serverName": NAME, **pair, **more}


def _everything(server: Server) -> tuple[tuple[str, ...], str]:
    if isinstance(server, Redis):
        return ("-@all", "+ping"), ""
    assert isinstance(server, Mariadb | RootedMysql)
    return (), "IDENTIFIED BY 'throw-away-of-a-test' REQUIRE X509"


@feature("client certificate", _FEW)
def test_a_server_that_asks_for_a_certificate_gets_ours(secure: Server, folder: Path, certificate: Certificate) -> None:
    """Without one, Redis ends the handshake, and MySQL refuses the account; both tell it."""
    grants, how = _everything(secure)
    with account(secure, *grants, how=how):
        assert probe(secure, folder, tls=_tls(certificate, own=True)).reason is Reason.OK
        missing = probe(secure, folder, tls=_tls(certificate, own=False)).reason
    assert missing is (Reason.TLS if isinstance(secure, Redis) else Reason.AUTH)


@feature("certificate by name", _FEW)
def test_a_certificate_must_bear_the_name_of_the_host(secure: Server, folder: Path, certificate: Certificate) -> None:
    """Its own, the block's or its DNS name; another one is a `tls` failure, but for `verify-ca`."""
    grants, how = _everything(secure)
    with account(secure, *grants, how=how):
        assert probe(secure, folder, tls=_tls(certificate, own=True, serverName=OTHER)).reason is Reason.TLS
        block = _tls(certificate, own=True, serverName=OTHER, mode="verify-ca")
        assert probe(secure, folder, tls=block).reason is Reason.OK
