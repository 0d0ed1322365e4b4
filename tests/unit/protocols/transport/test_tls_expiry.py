"""A certificate that expires soon."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.certificates import issue
from lab.servers import Certificate
from mooring.model.reasons import Reason
from mooring.protocols.transport.tls import DAY_SECONDS, expiry_caution
from support.probe_once import ask
from support.scripted_server import Peer, Play, rogue

NOW = 1_764_000_000.0


@pytest.mark.parametrize(
    ("days", "words"),
    [(None, ""), (14.1, ""), (13.9, "in 13 days"), (1.5, "in 1 day;"), (0.5, "in 0 days"), (-1.0, "in 0 days")],
    ids=["not verified", "later", "within 14 days", "a day and a half", "today", "over"],
)
def test_an_expiry_is_reported_for_fourteen_days(days: float | None, words: str) -> None:
    """Two weeks are enough to renew a certificate; before that it is no news."""
    caution = expiry_caution(None if days is None else NOW + days * DAY_SECONDS, NOW)
    assert words in caution
    assert bool(caution) is bool(words)


def _redis(files: Certificate) -> Play:
    def play(peer: Peer) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        peer.start_tls(context)
        while peer.receive():
            peer.send(b"+PONG\r\n")

    return play


@pytest.mark.parametrize(("days", "warns"), [(10, True), (400, False)], ids=["soon", "later"])
def test_a_login_over_a_certificate_that_expires_soon_works_and_warns(
    tmp_path: Path, days: int, *, warns: bool
) -> None:
    """The host is judged as ever; the warning names the day."""
    expires = datetime.fromtimestamp(time.time(), UTC) + timedelta(days=days)
    files = issue(tmp_path, "127.0.0.1", not_after=expires)
    with rogue(_redis(files)) as server:
        seen = ask("redis", server.address, server.port, tls={"caFile": str(files.authority)})
        unverified = ask("redis", server.address, server.port, tls={"mode": "required"})
    assert (seen.reason, seen.message, unverified.caution) == (Reason.OK, "", "")
    assert (seen.not_after, unverified.not_after) == (int(expires.timestamp()), None)
    assert (f"expires on {expires:%Y-%m-%d}" in seen.caution) is warns
