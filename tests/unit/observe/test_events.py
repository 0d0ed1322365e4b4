"""Kubernetes Events, with a recording server in the cluster's place: how a real one shows them is tested there."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from ground.values import KEY, member
from ground.waiting import wait_until
from mooring.cluster.client import Api
from mooring.errors import ClusterError, Rejected, Unavailable
from mooring.events import (
    AddressRemoved,
    ConfigRefused,
    DrainUnknown,
    Event,
    HazardFound,
    KeptLast,
    NotPublished,
    ServiceReleased,
    SessionsKilled,
    SplitBrain,
)
from mooring.observe.events import BOUND, Involved, Recorder, pod

DB = member()


class Recording(Api):
    """Keeps what is posted, and fails as told: a real server cannot be made to fail one call and take the next."""

    def __init__(self, *faults: ClusterError) -> None:
        self.posted: list[Mapping[str, Any]] = []
        self.service: dict[str, Any] = {"metadata": {"uid": "1234"}}
        self.faults = list(faults)
        self.open = threading.Event()
        self.open.set()

    def get(self, path: str, query: Any = ()) -> Mapping[str, Any]:
        assert path == "/api/v1/namespaces/default/services/mysql-external"
        self.open.wait(10)
        return self.service

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        assert path == "/api/v1/namespaces/default/events"
        if self.faults:
            raise self.faults.pop(0)
        self.posted.append(body)
        return body


def recorder(api: Api) -> Recorder:
    return Recorder(api, "node-1", lambda: 1_700_000_000.0)


@pytest.mark.parametrize(
    ("event", "reason", "words"),
    [
        (NotPublished(KEY, "has a selector", refused=True), "Refused", "has a selector"),
        (NotPublished(KEY, "does not answer", refused=False), "NotPublished", "does not answer"),
        (SplitBrain(KEY, ("db1", "db2")), "SplitBrain", "db1, db2"),
        (KeptLast(KEY, ("10.20.0.11",)), "KeptLast", "10.20.0.11"),
        (HazardFound(KEY, "NotMirrored", "it reaches nobody"), "NotMirrored", "it reaches nobody"),
        (AddressRemoved(KEY, "10.20.0.99", "kubectl-edit"), "AddressRemoved", "put there by kubectl-edit"),
        (AddressRemoved(KEY, "10.20.0.99", ""), "AddressRemoved", "removed 10.20.0.99"),
        (DrainUnknown(KEY, "db9"), "DrainUnknown", "names no host by 'db9'"),
        (ServiceReleased(KEY), "Released", "its Endpoints stay"),
        (SessionsKilled(DB, ("app", "web"), 7), "SessionsKilled", "ended 7 sessions of app, web on 10.20.0.11"),
        (SessionsKilled(DB, ("app",), 0, "NOPERM; ACL SETUSER"), "SessionsNotKilled", "demoted: NOPERM; ACL SETUSER"),
    ],
)
def test_what_an_administrator_should_see_is_told(event: Event, reason: str, words: str) -> None:
    """Each has a reason of one word, a sentence, and the Service that it is about."""
    api = Recording()
    recorder(api).write(event)
    wait_until(lambda: api.posted, 5, "the Event")
    [body] = api.posted
    assert (body["reason"], body["type"]) == (reason, "Warning")
    assert words in body["message"]
    about = {"kind": "Service", "name": "mysql-external", "namespace": "default", "uid": "1234", "apiVersion": "v1"}
    assert body["involvedObject"] == about
    assert body["firstTimestamp"] == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize("fault", [Rejected("403: may not create events"), Unavailable("does not answer")])
def test_a_server_that_takes_no_events_hinders_nothing(fault: ClusterError) -> None:
    """What could not be posted is left out; the next one is posted."""
    api = Recording(fault)
    told = recorder(api)
    told.write(NotPublished(KEY, "first", refused=True))
    told.write(NotPublished(KEY, "second", refused=True))
    wait_until(lambda: api.posted, 5, "the Event")
    assert [body["message"] for body in api.posted] == ["second"]


@pytest.mark.parametrize("service", [{}, {"metadata": []}, {"metadata": {}}])
def test_nonsense_in_the_service_s_place_ends_no_thread(service: dict[str, Any]) -> None:
    """An answer that is no Service costs that Event, not the daemon."""
    api = Recording()
    good, api.service = api.service, service
    api.open.clear()
    told = recorder(api)
    told.write(NotPublished(KEY, "first", refused=True))
    api.open.set()
    wait_until(told._waiting.empty, 5, "the first to be taken")
    api.service = good
    told.write(NotPublished(KEY, "second", refused=True))
    wait_until(lambda: api.posted, 5, "the Event")


def test_a_slow_server_is_waited_for_by_nobody() -> None:
    """Events beyond the bound are dropped; whoever tells of them never waits, whatever many tell at once."""
    api = Recording()
    api.open.clear()
    told = recorder(api)
    event = NotPublished(KEY, "x" * 5000, refused=True)

    def tell() -> None:
        for _ in range(BOUND):
            told.write(event)

    crowd = [threading.Thread(target=tell) for _ in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(5)
    assert not any(one.is_alive() for one in crowd)
    assert told._waiting.qsize() == BOUND
    api.open.set()
    wait_until(lambda: len(api.posted) >= BOUND, 5, "the Events")
    assert len(api.posted) <= BOUND + 1
    assert {len(body["message"]) for body in api.posted} == {1024}


POD = {"POD_NAMESPACE": "mooring", "POD_NAME": "mooring-5d9-abc", "POD_UID": "77"}
PODS, SETS = (
    "/api/v1/namespaces/mooring/pods/mooring-5d9-abc",
    "/apis/apps/v1/namespaces/mooring/replicasets/mooring-5d9",
)
OWNED = {
    PODS: {"metadata": {"ownerReferences": [{"controller": True, "kind": "ReplicaSet", "name": "mooring-5d9"}]}},
    SETS: {
        "metadata": {
            "ownerReferences": [
                {"kind": "Other", "name": "none"},
                {"controller": True, "kind": "Deployment", "name": "mooring", "uid": "5", "apiVersion": "apps/v1"},
            ]
        }
    },
}
REFUSED = ConfigRefused(("config.yaml:3:1: is wrong", "config.yaml:4:1: is wrong"), 1.0)


class Readable(Recording):
    """Lets only these paths be read: what an account may is one thing of a real cluster, tested there."""

    def __init__(self, readable: Mapping[str, Any]) -> None:
        super().__init__()
        self.readable = readable

    def get(self, path: str, query: Any = ()) -> Mapping[str, Any]:
        if path not in self.readable:
            raise Rejected(f"403: may not read {path}")
        found: Mapping[str, Any] = self.readable[path]
        return found

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.posted.append({"path": path, **body})
        return body


@pytest.mark.parametrize(
    ("readable", "about"),
    [
        ({}, Involved("Pod", "mooring", "mooring-5d9-abc", "77")),
        ({PODS: OWNED[PODS]}, Involved("Pod", "mooring", "mooring-5d9-abc", "77")),
        ({PODS: {"metadata": {}}}, Involved("Pod", "mooring", "mooring-5d9-abc", "77")),
        ({PODS: {"metadata": []}}, Involved("Pod", "mooring", "mooring-5d9-abc", "77")),
        (OWNED, Involved("Deployment", "mooring", "mooring", "5", "apps/v1")),
    ],
    ids=["no-rights", "pod-only", "no-owner", "nonsense", "all"],
)
def test_a_refused_file_is_told_at_our_deployment_or_pod(readable: Mapping[str, Any], about: Involved) -> None:
    """Who may read the way up to it finds the Deployment; without any such right it is the pod."""
    api = Readable(readable)
    Recorder(api, "node-1", lambda: 1.0, pod(POD)).write(REFUSED)
    wait_until(lambda: api.posted, 5, "the Event")
    (body,) = api.posted
    involved = body["involvedObject"]
    found = [involved[key] for key in ("kind", "namespace", "name", "uid", "apiVersion")]
    assert found == [about.kind, about.namespace, about.name, about.uid, about.version]
    assert (body["path"], body["reason"]) == ("/api/v1/namespaces/mooring/events", "ConfigRefused")
    assert "config.yaml:3:1: is wrong\nconfig.yaml:4:1: is wrong" in body["message"]


def test_outside_of_a_pod_a_refused_file_is_only_logged() -> None:
    """There is no object to tell it at, and the next Event is posted all the same."""
    assert pod({"POD_NAME": "a-name-alone"}) is None
    api = Recording()
    told = recorder(api)
    told.write(REFUSED)
    told.write(NotPublished(KEY, "second", refused=True))
    wait_until(lambda: api.posted, 5, "the Event")
    assert [body["message"] for body in api.posted] == ["second"]
