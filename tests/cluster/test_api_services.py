"""Services and namespaces come, change hands and go under the running daemon, with Kubernetes' own controllers."""

from __future__ import annotations

import http
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kube.api import Api, component
from kube.component import Part
from kube.redis_services import (
    BOTH,
    ONE,
    STRANGER,
    TWO,
    Stage,
    alive,
    last,
    probed,
    published,
    subsets,
    wait_published,
)
from kube.versions import Versions
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

CONTROLLERS = ("namespace-controller", "endpoints-controller")
SHORT_WATCHES = (
    "import mooring.cluster.client as client; client.STREAM_SECONDS = 1.0\n"
    "from mooring.cli.main import main; raise SystemExit(main())"
)


@pytest.fixture(scope="module")
def controllers(api: Api) -> Iterator[Part]:
    """Who deletes what was in a namespace, and keeps the Endpoints of Services with a selector."""
    name = "kube-controller-manager"
    options = [f"--controllers={','.join(CONTROLLERS)}", "--leader-elect=false", "--secure-port=0"]
    started = Part(name, [*component(name), f"--kubeconfig={api.kubeconfig}", *options], directory=api.directory)
    started.start()
    yield started
    started.kill()


@pytest.fixture
def stage(api: Api, controllers: Part, namespace: str) -> Stage:
    made = Stage(api, namespace)
    made.serve("db")
    return made


@pytest.fixture
def daemon(stage: Stage, history: Versions, redis: list[Redis]) -> Iterator[Daemon]:
    with stage.daemon(stage.file({"db": redis})) as started:
        started.wait_ready(stage.key(), [ONE, TWO])
        yield started


@pytest.mark.fault(
    "objects",
    "The Service is deleted and made again",
    "Without it no object is made; with it, it is served.",
    within="as soon as it is there",
)
def test_service_deleted_and_made_anew(stage: Stage, history: Versions, daemon: Daemon) -> None:
    """Without its Service an object is never made again; with it, it is served again, and not before."""
    stage.api.rest.delete(stage.path("services", "db"))
    wait_until(lambda: last(history, stage.key()) is None, 10, "the endpoints controller to delete the object")
    refused = daemon.wait_log("endpoints.refused", service=stage.key())
    assert refused["why"] == "there is no such Service; create it without a selector"
    seen = len(published(history, stage.key()))
    probed(daemon, rounds=6)
    assert len(published(history, stage.key())) == seen, "an orphan"
    stage.serve("db")
    wait_until(lambda: last(history, stage.key()) == BOTH, 10, "the Service to be served")
    assert published(history, stage.key())[seen:] == [BOTH]


@pytest.mark.fault(
    "objects",
    "The Service gets a selector",
    "It is Kubernetes' alone; without, it is taken back.",
    within="as soon as it is seen",
)
def test_service_gains_a_selector_and_loses_it(stage: Stage, history: Versions, daemon: Daemon) -> None:
    """With a selector it is Kubernetes' alone; without, it is taken back."""
    service = stage.path("services", "db")
    stage.api.rest.patch(service, {"spec": {"selector": {"app": "db"}}})
    # Until Mooring has seen the selector it may repair what the controller does, once.
    assert "has a selector" in daemon.wait_log("endpoints.refused", service=stage.key())["why"]
    wait_until(lambda: last(history, stage.key()) == ([], []), 10, "the endpoints controller to keep it")
    seen = len(published(history, stage.key()))
    probed(daemon, rounds=6)
    assert len(published(history, stage.key())) == seen, "released"
    stage.api.rest.patch(service, {"spec": {"selector": None}})
    wait_until(lambda: last(history, stage.key()) == BOTH, 10, "the Service to be taken back")


@pytest.mark.fault(
    "objects",
    "The namespace is deleted and made again",
    "Mooring goes on, and serves it when it is there.",
    within="as soon as it is there",
)
def test_namespace_deleted_and_made_anew(stage: Stage, daemon: Daemon) -> None:
    """The daemon goes on while its namespace goes, and serves it when it is there again."""
    path = f"/api/v1/namespaces/{stage.namespace}"
    stage.api.rest.delete(path)
    wait_until(lambda: stage.api.rest.get(path) is None, 20, "the namespace to go")
    probed(daemon)
    assert alive(daemon)
    stage.api.rest.create("/api/v1/namespaces", {"metadata": {"name": stage.namespace}})
    stage.serve("db")
    daemon.wait_ready(stage.key(), [ONE, TWO])


def lists(api: Api) -> int:
    """How often somebody asked for all Endpoints of a namespace."""
    answer = api.rest.ask("GET", "/metrics")
    assert answer.status == http.HTTPStatus.OK
    wanted: list[Any] = [
        line.rpartition(" ")[2]
        for line in answer.body.splitlines()
        if line.startswith("apiserver_request_total{")
        and 'resource="endpoints"' in line
        and 'verb="LIST"' in line
        and 'scope="namespace"' in line
    ]
    return int(sum(float(value) for value in wanted))


@pytest.mark.fault(
    "api",
    "It has forgotten the version of a watch (410)",
    "Mooring lists once, and follows from there.",
    within="one list",
)
def test_watch_from_before_a_compaction(api: Api, namespace: str, redis: list[Redis]) -> None:
    """Told that its version is gone (410), the daemon asks for everything once, and follows from there."""
    stage = Stage(api, namespace)
    stage.serve("db")
    api.server.restart("--watch-cache-sizes=endpoints#0,services#0")
    with Versions(api, namespace) as history:
        program = (sys.executable, "-c", SHORT_WATCHES)
        with stage.daemon(stage.file({"db": redis}), program=program) as daemon:
            daemon.wait_ready(stage.key(), [ONE, TWO])
            before = lists(api)
            for number in range(3):
                api.rest.patch(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {"n": str(number)}}})
            api.compact()
            wait_until(lambda: lists(api) > before, 10, "the daemon to list again")
            seen = len(published(history, stage.key()))
            stage.edit(subsets([ONE, STRANGER]))
            wait_published(history, stage.key(), [*published(history, stage.key())[:seen], ([ONE, STRANGER], []), BOTH])
            edited, repaired = history.of(stage.key())[-2:]
            assert repaired.seen - edited.seen < 10, "sooner than the look that is made twice a minute"
