"""Verdicts that are held back, over real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.configuration import at, file, service
from lab.mooring import Daemon
from lab.process import start_all
from lab.servers import Redis

pytestmark = pytest.mark.needs_servers

ONE, TWO = "10.20.0.21", "10.20.0.22"
SERVICE = "default/sessions"
HOLD_SECONDS = 600


@pytest.fixture
def redis() -> Iterator[tuple[Redis, Redis]]:
    with ExitStack() as undo:
        servers = (Redis(), Redis())
        for server in servers:
            undo.callback(server.close)
        start_all(*servers)
        yield servers


@pytest.mark.fault(
    "host",
    "It crashes again and again",
    "It stays out for a growing time, while another host serves (`flap`).",
    within="out for maxHoldSeconds",
)
def test_a_server_that_keeps_crashing_stays_out_while_another_serves(
    redis: tuple[Redis, Redis], tmp_path: Path
) -> None:
    """It answers again at once each time; after its second crash it gets traffic only when it is the last one."""
    flaps, stays = redis
    rule = {"transitions": 2, "withinSeconds": 600, "holdSeconds": HOLD_SECONDS, "maxHoldSeconds": HOLD_SECONDS}
    text = file(service("sessions", "redis", [at(ONE, flaps), at(TWO, stays)], flap=rule))
    with Daemon(text, tmp_path) as daemon:
        daemon.wait_ready(SERVICE, [ONE, TWO], timeout=30)
        for number in range(2):
            flaps.kill()
            daemon.wait_ready(SERVICE, [TWO], timeout=30)
            flaps.start()
            if number == 0:
                daemon.wait_ready(SERVICE, [ONE, TWO], timeout=30)
        held = daemon.wait_log("host.held", address=ONE, by="flap", timeout=30)
        assert (held["verdict"], held["reason"]) == ("not-ready", "ok")
        assert daemon.ready(SERVICE) == [TWO]
        stays.kill()
        daemon.wait_ready(SERVICE, [ONE], timeout=30)
        metrics = daemon.get("/metrics")[1].decode()
        assert 'mooring_holds_total{namespace="default",service="sessions",host="10.20.0.21"' in metrics


@pytest.mark.fault(
    "host",
    "It stands still where too few others are left, with `keepOnSilence`",
    "It stays ready, shown as held, and leaves at its first refusal.",
    within="it stays while it is only silent",
)
def test_a_silent_server_stays_where_too_few_would_be_left(redis: tuple[Redis, Redis], tmp_path: Path) -> None:
    """Its process stands still and then dies: silence alone keeps it, the refusal takes it out."""
    hangs, _ = redis
    hosts = [at(address, server) for address, server in zip((ONE, TWO), redis, strict=True)]
    text = file(service("sessions", "redis", hosts, keepOnSilence="100%"))
    with Daemon(text, tmp_path) as daemon:
        daemon.wait_ready(SERVICE, [ONE, TWO], timeout=30)
        hangs.freeze()
        held = daemon.wait_log("host.held", address=ONE, by="keepOnSilence", timeout=30)
        assert (held["verdict"], held["reason"]) == ("ready", "timeout")
        row, _ = daemon.status()["services"][0]["hosts"]
        assert (row["published"], row["held"]) == ("ready", {"by": "keepOnSilence", "until": None})
        hangs.kill()
        daemon.wait_ready(SERVICE, [TWO], timeout=30)
