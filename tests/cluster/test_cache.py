"""The watch cache against a real API server that is frozen, killed, and compacted."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from kube.api import Api as Server
from lab.waiting import wait_until
from mooring.cluster.cache import Watch
from mooring.cluster.client import Api, client_factory
from mooring.cluster.reading import Json

pytestmark = pytest.mark.needs_api

WITHOUT_CACHE = "--watch-cache-sizes=endpoints#0"
SOON = 5.0
"""Seconds for what takes a moment: without a watch nothing is seen for longer."""


@pytest.fixture
def path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/endpoints"


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def watch(api: Server, path: str, told: list[str]) -> Iterator[Watch[Json]]:
    made: Watch[Json] = Watch(Api(client_factory("kubeconfig", api.kubeconfig, None)), path, told.extend, dict)
    made.start()
    assert made.listed.wait(60)
    yield made
    made.stop()
    wait_until(lambda: "watch" not in [thread.name for thread in threading.enumerate()], 2, "the thread to end")


def make(api: Server, path: str, name: str) -> str:
    return str(api.rest.create(path, {"metadata": {"name": name}})["metadata"]["resourceVersion"])


def version(watch: Watch[Json], name: str) -> str | None:
    found = watch.get(name)
    return None if found is None else str(found["metadata"]["resourceVersion"])


def test_changes_are_seen_at_once(api: Server, path: str, watch: Watch[Json], told: list[str]) -> None:
    """Made, changed, deleted and made again under the same name: each is told, within a moment."""
    make(api, path, "a")
    wait_until(lambda: version(watch, "a"), SOON, "the object")
    changed = api.rest.patch(f"{path}/a", {"metadata": {"labels": {"x": "y"}}})["metadata"]["resourceVersion"]
    wait_until(lambda: version(watch, "a") == changed, SOON, "the change")
    api.rest.delete(f"{path}/a")
    wait_until(lambda: version(watch, "a") is None, SOON, "the deletion")
    again = make(api, path, "a")
    wait_until(lambda: version(watch, "a") == again, SOON, "the new one")
    wait_until(lambda: len(told) >= 4, SOON, "the last word, which follows what a read shows")
    assert told == ["a"] * 4


def test_a_frozen_server_hides_nothing(api: Server, path: str, watch: Watch[Json]) -> None:
    """What was seen last is read on; after the thaw the same watch goes on."""
    make(api, path, "a")
    wait_until(lambda: version(watch, "a"), SOON, "the object")
    api.server.freeze()
    assert version(watch, "a")
    api.server.thaw()
    made = make(api, path, "b")
    wait_until(lambda: version(watch, "b") == made, 2, "the new one")


def test_a_version_that_nobody_remembers_leads_to_a_list(api: Server, path: str, watch: Watch[Json]) -> None:
    """After a kill, a compaction and a server without a cache, what changed meanwhile is seen."""
    make(api, path, "a")
    make(api, path, "b")
    wait_until(lambda: version(watch, "b"), SOON, "the objects")
    api.server.restart(WITHOUT_CACHE)
    api.rest.delete(f"{path}/a")
    changed = api.rest.patch(f"{path}/b", {"metadata": {"labels": {"x": "y"}}})["metadata"]["resourceVersion"]
    api.compact()
    wait_until(lambda: (version(watch, "a"), version(watch, "b")) == (None, changed), 8, "what changed")


def test_a_watch_follows_only_its_namespace(api: Server, watch: Watch[Json], told: list[str], path: str) -> None:
    """Others' objects are not held."""
    with api.namespace() as other:
        make(api, f"/api/v1/namespaces/{other}/endpoints", "elsewhere")
        make(api, path, "here")
        wait_until(lambda: version(watch, "here"), SOON, "the object")
        wait_until(lambda: told, SOON, "the word of it, which follows what a read shows")
    assert told == ["here"]
