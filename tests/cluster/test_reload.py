"""Namespaces that a changed file brings and takes, and hosts that an annotation takes out, on a real API server."""

from __future__ import annotations

import http
import time
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

from cluster.commands import command
from kube.api import Api
from kube.redis_services import BOTH, ONE, PORT, RIGHTS, TWO, Stage, last, published
from kube.users import User
from kube.versions import Versions
from lab.configuration import at, file, service
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import happens, wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]
DRAINED = ([ONE], [TWO])
_MERGE = "application/merge-patch+json"


@pytest.fixture
def daemon(stage: Stage, history: Versions, redis: list[Redis]) -> Iterator[Daemon]:
    with stage.daemon(_file(stage, redis)) as started:
        started.wait_ready(stage.key(), [ONE, TWO])
        yield started


def _hosts(redis: list[Redis]) -> list[dict[str, Any]]:
    return [at(ONE, redis[0], name="db1"), at(TWO, redis[1], name="db2")]


def _entry(redis: list[Redis], namespace: str) -> dict[str, Any]:
    return service("db", "redis", _hosts(redis), namespace=namespace)


def _file(stage: Stage, redis: list[Redis]) -> str:
    return file(_entry(redis, stage.namespace))


def _watched(api: Api) -> int:
    """The watches of Endpoints that the API server holds open, as it counts them itself."""
    text: str = api.rest.ask("GET", "/metrics").ok()
    lines = [line for line in text.splitlines() if line.startswith("apiserver_longrunning_requests{")]
    wanted = [line for line in lines if 'verb="WATCH"' in line and 'resource="endpoints"' in line]
    return int(sum(float(line.rpartition(" ")[2]) for line in wanted))


def test_a_namespace_is_learned_and_left(api: Api, stage: Stage, redis: list[Redis]) -> None:
    """A Service in a namespace that is new in the file is seeded, watched and served; its watches end with it.

    What is stored there is where its hosts begin, so nothing moves; when it leaves the file its object stays.
    """
    user = User(api, "mooring", stage.namespace)
    user.allow(*RIGHTS)
    with api.namespace() as new, Versions(api, new) as history:
        Stage(api, new).serve("db")
        subset = {"addresses": [{"ip": ONE}], "notReadyAddresses": [{"ip": TWO}], "ports": [PORT]}
        labels = {"app.kubernetes.io/managed-by": "mooring"}
        stored = {"metadata": {"name": "db", "labels": labels}, "subsets": [subset]}
        api.rest.create(f"/api/v1/namespaces/{new}/endpoints", stored)
        user.allow(*RIGHTS, namespace=new)
        with stage.daemon(_file(stage, redis), kubeconfig=user.kubeconfig) as daemon:
            daemon.wait_ready(stage.key(), [ONE, TWO])
            alone = _steadily_watched(api)
            both = file(_entry(redis, stage.namespace), _entry(redis, new))
            _replace(daemon, both)
            wait_until(lambda: last(history, f"{new}/db") == BOTH, 10, "the new namespace to be served")
            # An object without Mooring's notes gets them by a write that moves nothing.
            assert [stored for stored, _ in groupby(published(history, f"{new}/db"))] == [DRAINED, BOTH]
            assert daemon.logs("endpoints.failed") == []
            wait_until(lambda: _watched(api) == alone + 1, 10, "the new namespace to be watched, once")
            seen = len(history.of(f"{new}/db"))
            api.rest.patch(f"/api/v1/namespaces/{new}/endpoints/db?fieldManager=kubectl-edit", {"subsets": None})
            wait_until(
                lambda: published(history, f"{new}/db")[seen:] == [([], []), BOTH], 5, "the edit, and its repair"
            )
            _replace(daemon, _file(stage, redis))
            daemon.wait_log("service.released", service=f"{new}/db")
            wait_until(lambda: _watched(api) == alone, 10, "the watches of the namespace to end")
            seen = len(history.of(f"{new}/db"))
            api.rest.patch(f"/api/v1/namespaces/{new}/endpoints/db?fieldManager=kubectl-edit", {"subsets": None})
            wait_until(lambda: len(history.of(f"{new}/db")) == seen + 1, 5, "the edit")
            stage.edit({"subsets": None})
            wait_until(lambda: daemon.ready(stage.key()) == [ONE, TWO], 5, "the Service that stayed to be kept")
            assert len(history.of(f"{new}/db")) == seen + 1, "a released object was written"


def _steadily_watched(api: Api) -> int:
    """The watches, once their number stays for a second: those of a daemon that has just ended go a little later."""
    found = _watched(api)
    while happens(lambda: _watched(api) != found, 1.0):  # noqa: B023 -- used at once
        found = _watched(api)
    return found


@pytest.mark.fault(
    "file",
    "The file names a namespace that Mooring may not read",
    "That Service is reported; the rest of the file is in force.",
    within="at once",
)
def test_a_namespace_that_may_not_be_read_hinders_no_other(api: Api, stage: Stage, redis: list[Redis]) -> None:
    """Where the Role is missing, that Service is told as failed and the rest of the file is in force at once."""
    user = User(api, "mooring", stage.namespace)
    user.allow(*RIGHTS)
    with api.namespace() as closed, stage.daemon(_file(stage, redis), kubeconfig=user.kubeconfig) as daemon:
        daemon.wait_ready(stage.key(), [ONE, TWO])
        hosts = [at(ONE, redis[0])]
        _replace(daemon, file(service("db", "redis", hosts, namespace=stage.namespace), _entry(redis, closed)))
        daemon.wait_ready(stage.key(), [ONE])
        assert "403" in daemon.wait_log("endpoints.refused", service=f"{closed}/db")["why"]
        user.allow(*RIGHTS, namespace=closed)
        Stage(api, closed).serve("db")
        wait_until(lambda: daemon.ready(f"{closed}/db") == [ONE, TWO], 20, "the Service, once it may be served")


def _replace(daemon: Daemon, text: str) -> None:
    after = len(daemon.output)
    new = daemon.config.with_suffix(".new")
    new.write_text(text)
    new.rename(daemon.config)
    daemon.wait_log("config.reloaded", after=after)


def _annotate(stage: Stage, value: str) -> None:
    words = ["-n", stage.namespace, "annotate", "--overwrite", "service", "db", f"mooring/drain{value}"]
    stage.api.kubectl(*words)


def _rows_in_maintenance(daemon: Daemon, sources: dict[str, str | None]) -> dict[str, Any]:
    """The hosts in status by name, once these are the sources of their maintenance; a store is seen a little sooner."""
    rows = {row["name"]: row for row in daemon.status()["services"][0]["hosts"]}
    return rows if {name: row["maintenanceSource"] for name, row in rows.items()} == sources else {}


def test_an_annotation_takes_hosts_out_and_gives_them_back(
    stage: Stage, history: Versions, daemon: Daemon, redis: list[Redis]
) -> None:
    """`kubectl annotate service db mooring/drain=db2` acts at once, without thresholds, and so does taking it away."""
    begun = time.monotonic()
    _annotate(stage, "=db2")
    wait_until(lambda: last(history, stage.key()) == DRAINED, 5, "the host to leave")
    print(f"annotate to stored: {history.of(stage.key())[-1].seen - begun:.3f} s, kubectl itself in it")  # noqa: T201
    rows = wait_until(lambda: _rows_in_maintenance(daemon, {"db1": None, "db2": "annotation"}), 5, "status to say so")
    assert [rows["db2"][field] for field in ("maintenance", "verdict", "reason")] == [True, "ready", "ok"]
    assert "maintenance (annotation)" in command(stage.api, "status", "--url", f"http://127.0.0.1:{daemon.port}").stdout
    _annotate(stage, "-")
    wait_until(lambda: last(history, stage.key()) == BOTH, 5, "the host to return")
    daemon.wait_log("service.drained", hosts=[])
    assert daemon.logs("host.ready", host="db2", before="not-ready") == daemon.logs("host.not_ready") == []
    assert [line["hosts"] for line in daemon.logs("service.drained")] == [["db2"], []]


def test_a_drained_host_returns_with_the_verdict_that_it_has(
    stage: Stage, history: Versions, daemon: Daemon, redis: list[Redis]
) -> None:
    """It is probed meanwhile: one that died does not come back when the annotation goes."""
    _annotate(stage, f"={TWO}")
    wait_until(lambda: last(history, stage.key()) == DRAINED, 5, "the host to leave")
    redis[1].kill()
    try:
        daemon.wait_log("host.not_ready", host="db2")
        seen = len(history.of(stage.key()))
        _annotate(stage, "-")
        daemon.wait_log("service.drained", hosts=[])
        assert len(history.of(stage.key())) == seen
    finally:
        redis[1].start()
    wait_until(lambda: last(history, stage.key()) == BOTH, 10, "the host to return by its probes")


def test_an_entry_that_names_nobody_is_told_once_and_the_others_hold(
    stage: Stage, history: Versions, daemon: Daemon
) -> None:
    """Log and an Event on the Service name it; what else stands in the annotation works."""
    _annotate(stage, f"=db9, {TWO}")
    wait_until(lambda: last(history, stage.key()) == DRAINED, 5, "the host to leave")
    assert daemon.wait_log("drain.unknown")["entry"] == "db9"
    told = wait_until(lambda: stage.events("DrainUnknown"), 10, "the Event")
    seen = len(history.of(stage.key()))
    stage.edit({"subsets": None})
    wait_until(
        lambda: published(history, stage.key())[seen:] == [([], []), DRAINED],
        5,
        "the edit to be put right, the host still out",
    )
    assert len(daemon.logs("drain.unknown")) == 1
    assert told == stage.events("DrainUnknown") == ["the annotation mooring/drain names no host by 'db9'"]


def test_the_annotation_s_key_is_a_valid_one(stage: Stage) -> None:
    """The API server takes it as it is, and refuses what is no key."""
    path = stage.path("services", "db")
    assert stage.api.rest.patch(path, {"metadata": {"annotations": {"mooring/drain": "x"}}})
    wrong = stage.api.rest.ask("PATCH", path, {"metadata": {"annotations": {"mooring/a/drain": "x"}}}, kind=_MERGE)
    assert wrong.status == http.HTTPStatus.UNPROCESSABLE_ENTITY
