"""An API server that stands still (SIGSTOP): `status` shows it, and neither a reload nor SIGTERM waits for it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from kube.daemon import ClusterDaemon
from kube.redis_services import BOTH, ONE, Stage
from kube.two_daemons import LEASE, TOOLS
from lab.configuration import at, file, service
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

NOTICED_SECONDS = 10.0
QUIET_NOTICED_SECONDS = 15.0
ENDS_SECONDS = 2.0
SLACK = 30.0
"""What a busy machine may add."""
USUAL = "15,10,2"
CANDIDATE = (sys.executable, "-m", "kube.candidate", USUAL)


@pytest.fixture(params=["leads", "stands by", "without a Lease"])
def daemon(request: pytest.FixtureRequest, stage: Stage, redis: list[Redis]) -> Iterator[Daemon]:
    text = stage.file({"db": redis})

    def elected() -> ClusterDaemon:
        args = ("--lease-namespace", stage.namespace, "--lease-name", LEASE)
        return ClusterDaemon(text, stage.api, args=args, env={"PYTHONPATH": str(TOOLS)}, program=CANDIDATE)

    with contextlib.ExitStack() as running:
        if request.param == "stands by":
            leader = running.enter_context(elected())
            leader.wait_log("daemon.started", timeout=30)
            wait_until(lambda: leader.status()["leader"], 30, "the other one to lead")
        made = running.enter_context(stage.daemon(text) if request.param == "without a Lease" else elected())
        made.wait_log("daemon.started", timeout=30)
        made.wait_ready(stage.key(), BOTH[0], timeout=30)
        wait_until(lambda: made.get("/readyz")[0] == 200, 10, "the daemon to be ready")
        assert made.status()["leader"] == (request.param != "stands by")
        yield made
    for server in redis:
        if not server.running:
            server.start()


@pytest.mark.fault("api", "It is frozen", "Shown since when; a new file is taken up meanwhile.", within="nothing moves")
def test_a_frozen_api_server_is_shown_and_holds_nothing_up(stage: Stage, daemon: Daemon, redis: list[Redis]) -> None:
    """Since when it was not heard; meanwhile a new file is in force, a new namespace in it too, and SIGTERM ends it."""
    frozen_at = time.time()
    stage.api.server.freeze()
    redis[1].kill()  # so that a write is under way
    daemon.wait_log("host.not_ready", timeout=20)
    begun = time.monotonic()
    wait_until(lambda: daemon.status()["apiUnheardSince"], 60, "status to show it", every=0.1)
    assert time.monotonic() - begun < NOTICED_SECONDS + SLACK
    since = datetime.fromisoformat(daemon.status()["apiUnheardSince"]).timestamp()
    assert frozen_at - NOTICED_SECONDS < since < frozen_at + SLACK

    elsewhere = service("new", "redis", [at(ONE, redis[0])], namespace="elsewhere")
    for entries in ([entry(stage, redis[0])], [entry(stage, redis[0]), elsewhere]):
        begun = time.monotonic()
        daemon.config.write_text(file(*entries))
        wait_until(lambda: hosts(daemon) == [ONE] * len(entries), 30, "the new file to be in force")  # noqa: B023 -- used at once
        assert time.monotonic() - begun < ENDS_SECONDS + SLACK
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < ENDS_SECONDS + SLACK


@pytest.mark.fault(
    "api",
    "It is silent while nothing has to be written",
    "Mooring asks it, and shows the silence.",
    within="nothing moves",
)
def test_its_silence_shows_where_nothing_is_written(stage: Stage, daemon: Daemon) -> None:
    """Also where no Lease is renewed and no verdict changes: Mooring asks a server that says nothing for a while."""
    frozen_at = time.time()
    stage.api.server.freeze()
    wait_until(
        lambda: daemon.status()["apiUnheardSince"], QUIET_NOTICED_SECONDS + SLACK, "status to show it", every=0.1
    )
    since = datetime.fromisoformat(daemon.status()["apiUnheardSince"]).timestamp()
    assert frozen_at - QUIET_NOTICED_SECONDS < since < frozen_at + SLACK
    stage.api.server.thaw()
    wait_until(lambda: daemon.status()["apiUnheardSince"] is None, 20, "its return to show")


def entry(stage: Stage, server: Redis) -> dict[str, Any]:
    """The Service without its second host."""
    return service("db", "redis", [at(ONE, server)], namespace=stage.namespace)


def hosts(daemon: Daemon) -> list[str]:
    return [host["address"] for one in daemon.status()["services"] for host in one["hosts"]]
