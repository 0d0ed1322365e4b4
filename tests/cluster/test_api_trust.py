"""Trust at a real API server: by the annotation, as a person gives it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from kube.api import Api
from kube.redis_services import BOTH, FIRST, TWO, Stage, last
from kube.versions import Versions
from lab.process import start_all
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

NAME = "db"
HOUR = 3600


@pytest.fixture
def redis() -> Iterator[list[Redis]]:
    """The second one asks for a password that Mooring does not have."""
    with contextlib.ExitStack() as undo:
        servers = [Redis(), Redis(password="throw-away-of-a-test")]
        for server in servers:
            undo.callback(server.close)
        start_all(*servers)
        yield servers


def test_a_trusted_host_is_published_while_it_is_unknown(api: Api, namespace: str, redis: list[Redis]) -> None:
    """For as long as the annotation stands; the status names it, and an entry that names nobody is reported."""
    stage = Stage(api, namespace)
    stage.serve(NAME)
    with Versions(api, namespace) as history, stage.daemon(stage.file({NAME: redis})) as daemon:

        def annotate(text: str | None) -> None:
            api.rest.patch(stage.path("services", NAME), {"metadata": {"annotations": {"mooring/trust": text}}})

        daemon.wait_log("host.unknown", address=TWO, reason="auth", timeout=20)
        wait_until(lambda: last(history, stage.key(NAME)) == FIRST, 20, "the other host alone")
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + HOUR))
        annotate(f"{TWO};until={until},nobody;until={until}")
        wait_until(lambda: last(history, stage.key(NAME)) == BOTH, 10, "the host that is trusted")
        daemon.wait_log("trust.unknown", service=stage.key(NAME))
        wait_until(lambda: daemon.status()["services"][0]["trusted"] == [TWO], 10, "it in the status")
        annotate(None)
        wait_until(lambda: last(history, stage.key(NAME)) == FIRST, 10, "the host to leave again")
