"""TLS without a check of the server, and with a certificate of Mooring's own."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from lab.certificates import issue
from lab.servers import Certificate
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from support import packets
from support.probe_once import ask
from support.scripted_server import Peer, Play, rogue


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def _redis(files: Certificate, *, asks: bool) -> Play:
    def play(peer: Peer) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(files.authority)
        peer.start_tls(context)
        while peer.receive():
            peer.send(b"+PONG\r\n")

    return play


def _asked(play: Play, **tls: str) -> Observation:
    with rogue(play) as server:
        return ask("redis", server.address, server.port, tls=tls)


def test_required_encrypts_and_checks_nothing(files: Certificate) -> None:
    """As MySQL's clients mean it: a server that made its certificate itself is let pass."""
    assert _asked(_redis(files, asks=False), mode="required").reason is Reason.OK
    assert _asked(_redis(files, asks=False), mode="verify-ca").reason is Reason.TLS


def test_a_server_that_asks_for_a_certificate_gets_ours(files: Certificate) -> None:
    """In every mode that speaks TLS."""
    own = {"certFile": str(files.certificate), "keyFile": str(files.key)}
    assert _asked(_redis(files, asks=True), caFile=str(files.authority), **own).reason is Reason.OK
    assert _asked(_redis(files, asks=True), mode="required", **own).reason is Reason.OK
    assert _asked(_redis(files, asks=True), mode="required").reason is Reason.TLS


def test_a_certificate_of_ours_that_is_none_is_our_fault(files: Certificate, tmp_path: Path) -> None:
    """A key of another certificate, one with a passphrase, and a file that is not there."""
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    )
    (tmp_path / "locked.key").write_bytes(locked)
    for wrong in (issue(tmp_path, "127.0.0.1").key, tmp_path / "locked.key", files.authority):
        seen = _asked(_redis(files, asks=True), mode="required", certFile=str(files.certificate), keyFile=str(wrong))
        assert seen.reason is Reason.LOCAL, seen
        assert "no certificate and its key without a passphrase" in seen.message
    seen = _asked(_redis(files, asks=True), mode="required", certFile=str(files.certificate), keyFile="/gone.key")
    assert seen.reason is Reason.LOCAL
    assert "/gone.key" in seen.message


def test_no_password_goes_as_it_is_to_a_server_that_was_not_verified(files: Certificate, tmp_path: Path) -> None:
    """An attacker in between would read it."""
    (tmp_path / "password").write_text("correct-horse-battery")
    heard: list[bytes] = []

    def play(peer: Peer) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        peer.send(packets.greeting(tls=True))
        peer.receive_packet()
        peer.start_tls(context)
        peer.receive_packet()
        peer.send(packets.switch("mysql_clear_password", 3, b""))
        heard.append(peer.receive_packet())
        peer.send(packets.error(1045, "Access denied", 5, "28000"))

    block: dict[str, Any] = {"user": "probe", "passwordFile": str(tmp_path / "password"), "tls": {"mode": "required"}}
    with rogue(play) as server:
        seen = ask("mysql", server.address, server.port, **block)
    assert seen.reason is Reason.AUTH
    assert heard == [b"\0"]
