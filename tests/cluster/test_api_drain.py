"""At a real API server: a drain by its command, and what `kubectl describe service` says of a host that dies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kube.api import Api
from kube.redis_services import NEITHER, ONE, TWO, Stage, last, published, redis_servers
from kube.versions import Versions
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import wait_until
from mooring.cli.main import main

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

NAME = "db"


@pytest.fixture
def redis() -> Iterator[list[Redis]]:
    with redis_servers(2) as servers:
        yield servers


@pytest.fixture
def stage(api: Api, namespace: str) -> Stage:
    made = Stage(api, namespace)
    made.serve(NAME)
    return made


@pytest.fixture
def history(api: Api, stage: Stage) -> Iterator[Versions]:
    with Versions(api, stage.namespace) as found:
        yield found


@pytest.fixture
def daemon(stage: Stage, history: Versions, redis: list[Redis]) -> Iterator[Daemon]:
    """The second of the two hosts is dead."""
    with stage.daemon(stage.file({NAME: redis})) as started:
        started.wait_ready(stage.key(NAME), [ONE, TWO])
        redis[1].kill()
        wait_until(lambda: last(history, stage.key(NAME)) == ([ONE], [TWO]), 20, "the second host to leave")
        yield started


def test_a_drain_and_its_end(api: Api, stage: Stage, daemon: Daemon, history: Versions, redis: list[Redis]) -> None:
    """A drained host leaves and comes back when its time is over; the last ready one is not drained without --force."""
    service, where = stage.key(NAME), ["--cluster", "kubeconfig", "--kubeconfig", str(api.kubeconfig)]
    assert main(["drain", ONE, "-s", service, *where]) == 1
    assert last(history, service) == ([ONE], [TWO])
    seen = len(published(history, service))
    assert main(["drain", ONE, "-s", service, "--for", "8s", "--reason", "a, b", "--force", *where]) == 0
    wait_until(lambda: NEITHER in published(history, service)[seen:], 10, "the drained host to leave")
    daemon.wait_log("drain.ended", service=service, timeout=15)
    wait_until(lambda: last(history, service) == ([ONE], [TWO]), 10, "the host to come back")
    wait_until(lambda: stage.events("DrainEnded", NAME), 5, "the Event")
    assert main(["undrain", TWO, "-s", service, *where]) == 1


def test_the_only_host_dies(api: Api, stage: Stage, daemon: Daemon, history: Versions, redis: list[Redis]) -> None:
    """`kubectl describe service` says who is out and why, and that the Service is empty; a second time is a count."""
    for _ in range(2):
        redis[0].kill()
        wait_until(lambda: last(history, stage.key(NAME)) == ([], [ONE, TWO]), 10, "the host to leave")
        redis[0].start()
        wait_until(lambda: last(history, stage.key(NAME)) == ([ONE], [TWO]), 10, "the host to come back")

    def counted() -> list[int]:
        path = f"/api/v1/namespaces/{stage.namespace}/events"
        found = [one for one in api.rest.get(path)["items"] if one["reason"] == "HostNotReady"]
        return [one["count"] for one in found if one["message"].startswith(f"{ONE} (")]

    wait_until(lambda: counted() == [2], 10, "the second time to be counted")
    (empty,) = wait_until(lambda: stage.events("ServiceEmpty", NAME), 10, "the Event of the empty Service")
    assert empty.startswith("none of 2 hosts is ready; the last one: ")
    assert any("is ready again; 1 of 2 ready" in one for one in stage.events("HostReady", NAME))
