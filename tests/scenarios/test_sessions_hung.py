"""A server that stands still, and is back: it must not take us for somebody who breaks connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.mooring import timely
from lab.servers import Mariadb
from support.session_counts import ACCOUNTS, listed, started, watched, written

pytestmark = pytest.mark.needs_servers

PERIOD, SECONDS = 0.1, 12.0
FEW = 3
"""Connections that are made while it stands still, and once it is back."""


@pytest.mark.fault("host", "It hangs for 120 periods", "It meets a handful of connections in all.", within="F x P + T")
def test_server_that_hung_has_few_broken_logins_in_its_books(tmp_path: Path) -> None:
    """SIGSTOP for 120 periods, each with a probe that fails: a handful of connections in all, and it comes back."""
    secret = written(tmp_path)
    with started(one=Mariadb(accounts=ACCOUNTS), two=Mariadb(accounts=ACCOUNTS)) as running:
        service = listed("mysql", running, secret, loginSeconds=1)
        with watched(tmp_path, running, service, period=PERIOD) as stage:
            server, after = stage.mariadb("one"), stage.now()
            broken, logins = server.status("Aborted_connects"), server.status("Connections")
            server.freeze()
            left = stage.daemon.wait_log("host.not_ready", after=after, host="one")
            assert (left["reason"], left["streak"]) == ("timeout", 3)
            stage.wait_probes("one", int(0.9 * SECONDS / PERIOD), after, reason="timeout")
            server.thaw()
            stage.daemon.wait_log("host.ready", after=after, host="one")
            stage.wait_ok()
            assert server.status("Aborted_connects") - broken <= FEW
            assert server.status("Connections") - logins <= 4 * FEW, "old connections piled up"
            assert not timely(stage.daemon.logs("host.unknown", after=after)), "nobody blocked us"
