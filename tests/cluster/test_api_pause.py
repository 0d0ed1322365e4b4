"""A pause at a real API server: by the commands, as a person gives them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kube.api import Api
from kube.redis_services import BOTH, ONE, SECOND, TWO, Stage, last, subsets, wait_published
from kube.versions import Versions
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import happens, wait_until
from mooring.cli.main import main

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

NAME = "db"


@pytest.fixture(scope="module")
def stage(api: Api) -> Iterator[Stage]:
    with api.namespace() as namespace:
        yield Stage(api, namespace)


@pytest.fixture(scope="module")
def history(api: Api, stage: Stage) -> Iterator[Versions]:
    with Versions(api, stage.namespace) as found:
        yield found


@pytest.fixture(scope="module")
def daemon(stage: Stage, redis: list[Redis]) -> Iterator[Daemon]:
    with stage.daemon(stage.file({NAME: redis})) as started:
        started.wait_log("host.ready", service=stage.key(NAME), address=ONE)
        started.wait_log("host.ready", service=stage.key(NAME), address=TWO)
        stage.serve(NAME)
        yield started


def test_a_pause_and_its_end(api: Api, stage: Stage, daemon: Daemon, history: Versions, redis: list[Redis]) -> None:
    """A host that dies stays, a foreign edit stays, the status says who paused it; resumed, the truth is stored."""
    wait_published(history, stage.key(NAME), [BOTH])
    where = ["--cluster", "kubeconfig", "--kubeconfig", str(api.kubeconfig)]
    assert main(["pause", stage.key(NAME), "--for", "1h", "--reason", "moving; the disk", *where]) == 0
    daemon.wait_log("service.paused", service=stage.key(NAME), reason="moving; the disk")
    redis[1].kill()
    daemon.wait_log("host.not_ready", service=stage.key(NAME), address=TWO)
    stage.edit(subsets([TWO], [ONE]), name=NAME)
    wait_until(lambda: last(history, stage.key(NAME)) == SECOND, 10, "the edit in the record")
    assert not happens(lambda: last(history, stage.key(NAME)) != SECOND, 2.5), "written, though paused"
    (shown,) = daemon.status()["services"]
    assert shown["paused"]["reason"] == "moving; the disk"
    assert b'mooring_service_paused{namespace="' in daemon.get("/metrics")[1]
    assert main(["resume", stage.key(NAME), *where]) == 0
    wait_until(lambda: last(history, stage.key(NAME)) == ([ONE], [TWO]), 10, "the truth to be stored")
    assert main(["pause", "nobody", *where]) == 1
    assert main(["pause", stage.key(NAME), "--for", "soon", *where]) == 2
    assert main(["pause", stage.key(NAME), "--cluster", "local"]) == 2
