"""A real pids limit beside a real API server: what is decided is stored, and what others write is seen."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from kube.api import Api
from kube.daemon import ClusterDaemon
from kube.redis_services import BOTH, FIRST, ONE, Stage, last, published, redis_servers, subsets
from kube.two_daemons import LEASE, SHORT, TOOLS
from kube.versions import Versions
from lab.configuration import at, file, service
from lab.mooring import Daemon
from lab.waiting import wait_until
from support.threads_limit import Group, limited

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers, pytest.mark.needs_root]


LEASE_SECONDS = 7.0
"""Longer than a Lease of ``SHORT`` lasts without a renewal."""


@pytest.fixture
def group() -> Iterator[Group]:
    with limited() as made:
        yield made


@pytest.mark.fault(
    "api", "Mooring may make no thread for a call", "The verdict is stored, and the Lease kept.", within="as without it"
)
def test_a_host_that_dies_leaves_though_the_process_may_have_no_thread_more(
    api: Api, namespace: str, group: Group
) -> None:
    """Calls of the API need no thread of their own: the verdict is stored, a foreign edit repaired, the Lease kept."""
    stage = Stage(api, namespace)
    stage.serve("db")
    args = ("--lease-namespace", namespace, "--lease-name", LEASE, "--log-level", "debug")
    program = group.holding((sys.executable, "-m", "kube.candidate", SHORT))
    env = {"PYTHONPATH": str(TOOLS)}
    with (
        redis_servers(2) as servers,
        Versions(api, namespace) as history,
        ClusterDaemon(stage.file({"db": servers}), api, args=args, env=env, program=program) as daemon,
    ):
        daemon.wait_ready(stage.key(), BOTH[0], timeout=30)
        wait_until(lambda: daemon.get("/readyz")[0] == 200, 10, "the daemon to be ready")
        group.limit(1)  # no thread more; those that it has live on
        servers[1].kill()
        wait_until(lambda: last(history, stage.key()) == FIRST, 20, "the verdict to be stored")
        seen = len(published(history, stage.key()))
        stage.edit(subsets(BOTH[0]))
        wait_until(lambda: published(history, stage.key())[seen:] == [BOTH, FIRST], 20, "the edit and its repair")
        time.sleep(LEASE_SECONDS)
        assert daemon.status()["leader"]
        assert daemon.logs("leader.lost") == []
        assert daemon.get("/livez")[0] == 200
        assert group.refused() > 0
        entries = [service(name, "redis", [at(ONE, servers[0])], namespace=where) for name, where in named(namespace)]
        daemon.config.write_text(file(*entries))
        wait_until(lambda: "no thread more" in error(daemon, "new"), 20, "status to say why it is not served")
        group.limit("max")
        wait_until(lambda: "no thread more" not in error(daemon, "new"), 20, "it to be watched")
        assert error(daemon, "new")  # there is no such Service


def named(namespace: str) -> list[tuple[str, str]]:
    """One Service more, in a namespace that was not watched so far."""
    return [("db", namespace), ("new", "elsewhere")]


def error(daemon: Daemon, name: str) -> str:
    return "".join(one["error"] or "" for one in daemon.status()["services"] if one["name"] == name)
