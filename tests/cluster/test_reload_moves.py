"""A database that moves, at a real API server: every stored version has a ready address."""

from __future__ import annotations

import pytest

from kube.api import Api
from kube.redis_services import ONE, TWO, Stage, last, published
from kube.versions import ENDPOINTS, Versions
from lab.configuration import at, file, service
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]


@pytest.mark.fault(
    "file",
    "The file changes the address of a host",
    "The old one stays until the new one is ready.",
    within="min(P + T, 10 s)",
)
@pytest.mark.parametrize("role", ["any", "primary"])
def test_a_database_that_moves_costs_no_version_without_a_ready_address(
    api: Api, namespace: str, redis: list[Redis], role: str
) -> None:
    """Old and new server are sound all the while: the file changes the host's address, and traffic follows it."""
    stage = Stage(api, namespace)
    stage.serve("db")

    def text(address: str, server: Redis) -> str:
        hosts = [at(address, server, name="db1")]
        entry = service("db", "redis", hosts, namespace=namespace, block={"role": role})
        return file(entry, period=2, timeout=1)

    with Versions(api, namespace, ENDPOINTS) as history, stage.daemon(text(ONE, redis[0])) as daemon:
        wait_until(lambda: last(history, stage.key()) == ([ONE], []), 30, "the host to be ready")
        before = len(history.of(stage.key()))
        # A primary that lacks what another has written since is not taken back, so the second role moves once.
        moves = [(TWO, redis[1]), (ONE, redis[0]), (TWO, redis[1])]
        for address, server in moves if role == "any" else moves[:1]:
            daemon.config.write_text(text(address, server))
            wait_until(lambda wanted=address: last(history, stage.key()) == ([wanted], []), 15, "the move")  # type: ignore[misc]  # a default binds it
        found = published(history, stage.key())[before - 1 :]
        assert all(version and version[0] for version in found), found
