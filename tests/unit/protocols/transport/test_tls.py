"""TLS sessions and the contexts behind them."""

from __future__ import annotations

import os
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from lab.certificates import issue
from mooring.model.reasons import Reason
from mooring.protocols.options import TlsOptions
from mooring.protocols.transport.dial import dial
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.files import FileReader
from mooring.protocols.transport.tls import Tls, tls_for
from support.rogue_servers import Play, rogue
from support.scripted_server import Peer


def _options(**block: str) -> TlsOptions:
    return TlsOptions.model_validate(block)


def _tls(address: str = "127.0.0.1", **block: str) -> Tls:
    tls = tls_for(_options(**block), address)
    assert tls is not None
    return tls


def _authority(path: Path) -> Path:
    trustme.CA().cert_pem.write_to_path(path)
    return path


def _server(folder: Path, *names: str) -> tuple[Play, str]:
    """A server with a certificate for these names, and the file of the authority behind it."""
    files = issue(folder, *names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    def play(peer: Peer) -> None:
        peer.start_tls(context)
        peer.send(b"in confidence")
        peer.hold()

    return play, str(files.authority)


def _talk(play: Play, tls: Tls) -> bytes:
    with rogue(play) as server:
        line = dial(server.address, server.port, time.monotonic() + 60, 1024)
        try:
            line.start_tls(tls)
            return line.recv(64)
        finally:
            line.close()


@pytest.mark.parametrize(
    ("names", "block"),
    [
        pytest.param(["db.internal"], {"serverName": "db.internal"}, id="name"),
        pytest.param(["*.db.internal"], {"serverName": "one.db.internal"}, id="wildcard"),
        pytest.param(["127.0.0.1"], {}, id="the-probed-address"),
        pytest.param(["other.internal"], {"mode": "verify-ca"}, id="any-name-by-verify-ca"),
    ],
)
def test_a_certificate_that_fits_is_trusted(tmp_path: Path, names: list[str], block: dict[str, str]) -> None:
    """By the name of the file, by the address, or whatever its name where only the CA is asked for."""
    play, authority = _server(tmp_path, *names)
    assert _talk(play, _tls(caFile=authority, **block)) == b"in confidence"


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        pytest.param({"serverName": "db2.internal"}, "Hostname mismatch", id="other-name"),
        pytest.param({}, "IP address mismatch", id="address-not-in-it"),
    ],
)
def test_a_certificate_for_another_name_is_refused(tmp_path: Path, block: dict[str, str], sentence: str) -> None:
    """verify-identity is the default mode; the message is OpenSSL's."""
    play, authority = _server(tmp_path, "db.internal")
    with pytest.raises(Failure, match=sentence) as caught:
        _talk(play, _tls(caFile=authority, **block))
    assert caught.value.reason is Reason.TLS


@pytest.mark.parametrize("mode", ["verify-ca", "verify-identity"])
def test_another_authority_is_refused(tmp_path: Path, mode: str) -> None:
    """In both modes, however right the name is."""
    play, _ = _server(tmp_path, "127.0.0.1")
    other = _authority(tmp_path / "other.pem")
    with pytest.raises(Failure, match="unable to get local issuer certificate") as caught:
        _talk(play, _tls(mode=mode, caFile=str(other)))
    assert caught.value.reason is Reason.TLS


@pytest.mark.parametrize(
    "block",
    [{"caFile": "ca.crt"}, {"mode": "required", "certFile": "own.crt", "keyFile": "own.key"}],
    ids=["of an authority", "of our own"],
)
def test_a_certificate_on_a_mount_that_hangs_is_our_fault_within_the_deadline(
    block: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No host is called dead for it. The mount is a stand-in; a real one, under passwords, is in the scenarios."""
    mended = threading.Event()

    def hang(path: str, flags: int) -> int:
        mended.wait(60)
        return os.open(path, flags)

    monkeypatch.setattr("mooring.protocols.transport.tls.secret_files", FileReader(hang))
    files = {name: value if name == "mode" else str(tmp_path / value) for name, value in block.items()}
    begun = time.monotonic()
    try:
        with pytest.raises(Failure) as caught:
            tls_for(_options(**files), "127.0.0.1", begun + 0.1)
    finally:
        mended.set()
    assert caught.value.reason is Reason.LOCAL
    assert str(tmp_path) in caught.value.message
    assert time.monotonic() - begun < 40


def test_without_a_ca_file_a_private_authority_is_refused(tmp_path: Path) -> None:
    """The system's CAs are trusted then, and nobody else."""
    play, _ = _server(tmp_path, "127.0.0.1")
    with pytest.raises(Failure) as caught:
        _talk(play, _tls())
    assert caught.value.reason is Reason.TLS


@pytest.mark.parametrize("name", [".internal", "a..b", "x" * 64], ids=["dot", "two-dots", "long"])
def test_a_name_that_tls_cannot_carry_is_our_fault(name: str) -> None:
    """A name that no certificate can bear is an error of the file, found before anybody is dialled."""
    with pytest.raises(Failure, match="no name for TLS: ") as caught:
        _tls(serverName=name)
    assert caught.value.reason is Reason.LOCAL


@pytest.mark.parametrize("options", [None, TlsOptions(mode="disabled")], ids=["no-block", "disabled"])
def test_tls_is_spoken_only_where_asked_for(options: TlsOptions | None) -> None:
    """Nothing is loaded for a host without TLS."""
    assert tls_for(options, "127.0.0.1") is None


def test_old_tls_is_never_spoken() -> None:
    """TLS 1.2 is the least."""
    assert _tls().context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_equal_options_share_one_context(tmp_path: Path) -> None:
    """Loading CAs costs more than a login; a thousand hosts load them once."""
    file = str(_authority(tmp_path / "ca.pem"))
    first = _tls("10.20.0.11", caFile=file)
    second = _tls("10.20.0.12", caFile=file, serverName="db.internal")
    assert first.context is second.context
    assert (first.server_name, second.server_name) == ("10.20.0.11", "db.internal")
    assert _tls(caFile=file, mode="verify-ca").context is not first.context


def test_a_rotated_ca_file_is_read_again(tmp_path: Path) -> None:
    """A CA that was replaced, as Kubernetes replaces a mounted Secret, counts from the next probe on."""
    file = _authority(tmp_path / "ca.pem")
    before = _tls(caFile=str(file)).context
    _authority(tmp_path / "new.pem").replace(file)
    after = _tls(caFile=str(file)).context
    assert after is not before
    assert after.get_ca_certs() != before.get_ca_certs()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(None, "does not exist", id="missing"),
        pytest.param("", "holds no CA certificate", id="empty"),
        pytest.param("no PEM", "holds no CA certificate", id="no-pem"),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n", "holds no CA certificate", id="broken-pem"
        ),
    ],
)
def test_a_ca_file_that_cannot_be_used_is_our_fault(tmp_path: Path, content: str | None, complaint: str) -> None:
    """The file is named, and no host is called dead for it."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Failure, match=complaint) as caught:
        _tls(caFile=str(file))
    assert caught.value.reason is Reason.LOCAL
    assert caught.value.message.startswith(f"{file}: ")


def test_a_ca_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A path that is no file ends at once instead of hanging the probe."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="not a regular file"):
        _tls(caFile=str(tmp_path / "pipe"))
