"""Why there is no TLS session: the same cause for the same trouble, so that hosts that share it are seen to."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.certificates import issue
from lab.servers import Certificate
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from support.probe_once import ask
from support.scripted_server import Peer, rogue

CLOSED = "tls:closed the connection during the TLS handshake or right after it"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def _server(files: Certificate, *, client_certificates: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    if client_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files.authority)
    return context


def _asked(play: Callable[[Peer], None], **tls: str) -> Observation:
    with rogue(play) as server:
        return ask("redis", server.address, server.port, tls=tls)


def test_a_server_that_asks_for_a_certificate_of_ours_always_gives_one_cause(files: Certificate) -> None:
    """Whether its word arrives before we send or after: the host is well, and refuses our TLS."""

    def play(peer: Peer) -> None:
        peer.start_tls(_server(files, client_certificates=True))

    seen = [_asked(play, caFile=str(files.authority)) for _ in range(20)]
    assert {(one.reason, one.cause) for one in seen} == {(Reason.TLS, "tls:tlsv13 alert certificate required")}


@pytest.mark.parametrize("after", [False, True], ids=["during", "right after"])
def test_who_ends_the_connection_at_the_handshake_refuses_our_tls(files: Certificate, after: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """It is `tls`, as the host's other refusals of our TLS are."""

    def play(peer: Peer) -> None:
        if after:
            peer.start_tls(_server(files))
        else:
            peer.receive()

    seen = _asked(play, caFile=str(files.authority))
    assert (seen.reason, seen.cause) == (Reason.TLS, CLOSED), seen


def test_a_session_that_ends_later_is_a_reset(files: Certificate) -> None:
    """The host had sent something under TLS."""

    def play(peer: Peer) -> None:
        peer.start_tls(_server(files))
        peer.receive()
        peer.send(b"+PO")

    seen = _asked(play, caFile=str(files.authority))
    assert (seen.reason, seen.cause) == (Reason.RESET, ""), seen


def test_an_authority_that_we_do_not_know_is_one_cause(files: Certificate, tmp_path: Path) -> None:
    """Another name or another authority is another cause; neither holds an address."""

    def play(peer: Peer) -> None:
        peer.start_tls(_server(files))

    unknown = _asked(play, caFile=str(issue(tmp_path, "127.0.0.1").authority))
    name = _asked(play, caFile=str(files.authority), serverName="db.internal")
    assert (unknown.reason, unknown.cause) == (Reason.TLS, "tls:certificate 20"), unknown
    assert (name.reason, name.cause) == (Reason.TLS, "tls:certificate 62"), name


def test_a_server_without_tls_is_one_cause() -> None:
    """Whatever bytes it sends instead."""
    seen = _asked(lambda peer: peer.send(b"-ERR unknown command\r\n"))
    assert (seen.reason, seen.cause) == (Reason.TLS, "tls:wrong version number"), seen
