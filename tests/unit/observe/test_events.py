"""Kubernetes Events, with a recording server in the cluster's place: how a real one shows them is tested there."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from lab.values import KEY, member, with_host
from lab.waiting import wait_until
from mooring.cluster.client import Api
from mooring.cluster.status import Missing
from mooring.model.errors import ClusterError, Rejected, Unavailable
from mooring.model.events import (
    AddressRemoved,
    BlindChanged,
    ConfigRefused,
    DrainEnded,
    DrainUnknown,
    Event,
    HostChanged,
    KeptLast,
    LeaderChanged,
    LoginAtRisk,
    NotPublished,
    ServiceReleased,
    SessionsKilled,
    SplitBrain,
    TrafficWarningFound,
)
from mooring.model.publish_events import Adopted, Contested, LastReadyDrained
from mooring.model.reasons import Reason
from mooring.model.verdicts import HostState, Outcome, Verdict
from mooring.observe.event_words import NORMAL
from mooring.observe.events import BOUND, Involved, Recorder, pod

DB = member()


class Recording(Api):
    """Keeps what is posted, and fails as told: a real server cannot be made to fail one call and take the next."""

    def __init__(self, *faults: ClusterError) -> None:
        self.posted: list[Mapping[str, Any]] = []
        self.service: dict[str, Any] = {"metadata": {"uid": "1234"}}
        self.faults = list(faults)
        self.changed: list[tuple[str, Mapping[str, Any]]] = []
        """Names of Events, and what was changed of them."""
        self.refuses_changes: ClusterError | None = None
        self.open = threading.Event()
        self.open.set()

    def get(self, path: str, query: Any = (), until: float = math.inf) -> Mapping[str, Any]:
        assert path == "/api/v1/namespaces/default/services/mysql-external"
        self.open.wait(100)
        return self.service

    def post(self, path: str, body: Mapping[str, Any], until: float = math.inf) -> Mapping[str, Any]:
        assert path == "/api/v1/namespaces/default/events"
        if self.faults:
            raise self.faults.pop(0)
        self.posted.append(body)
        return {"metadata": {"name": f"event-{len(self.posted)}"}}

    def merge(self, path: str, body: Mapping[str, Any], query: Any = (), until: float = math.inf) -> Mapping[str, Any]:
        if self.refuses_changes:
            raise self.refuses_changes
        self.changed.append((path.rpartition("/")[2], body))
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
        (TrafficWarningFound(KEY, "NotMirrored", "it reaches nobody"), "NotMirrored", "it reaches nobody"),
        (AddressRemoved(KEY, "10.20.0.99", "kubectl-edit"), "AddressRemoved", "put there by kubectl-edit"),
        (AddressRemoved(KEY, "10.20.0.99", ""), "AddressRemoved", "removed 10.20.0.99"),
        (DrainUnknown(KEY, "db9"), "DrainUnknown", "names no host by 'db9'"),
        (DrainEnded(KEY, "db1"), "DrainEnded", "the time for which db1 was taken out is over"),
        (LastReadyDrained(KEY, ("db1",)), "LastReadyDrained", "took out db1, and no ready host is left"),
        (LoginAtRisk(DB.target, "expires soon", (DB,)), "LoginAtRisk", "10.20.0.11:3306: expires soon"),
        (Adopted(KEY), "Adopted", "keeps these Endpoints from now on"),
        (Contested(KEY, "b-2", mooring=True), "TwoMoorings", "another Mooring, b-2,"),
        (Contested(KEY, "helm"), "Contested", "helm changes these objects again and again"),
        (ServiceReleased(KEY), "Released", "its Endpoints stay"),
        (SessionsKilled(DB, ("app", "web"), 7), "SessionsEnded", "ended 7 sessions of app, web on 10.20.0.11"),
        (SessionsKilled(DB, ("app",), 0, "NOPERM; ACL SETUSER"), "SessionsNotEnded", "demoted: NOPERM; ACL SETUSER"),
    ],
)
def test_what_an_administrator_should_see_is_told(event: Event, reason: str, words: str) -> None:
    """Each has a reason of one word, a sentence, and the Service that it is about."""
    api = Recording()
    recorder(api).write(event)
    wait_until(lambda: api.posted, 5, "the Event")
    [body] = api.posted
    assert (body["reason"], body["type"]) == (reason, "Normal" if reason in NORMAL else "Warning")
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
    assert told.outbox.flush(60)
    api.service = good
    told.write(NotPublished(KEY, "second", refused=True))
    wait_until(lambda: api.posted, 5, "the Event")


def test_a_slow_server_is_waited_for_by_nobody() -> None:
    """Events beyond the bound are dropped; whoever tells of them never waits, whatever many tell at once."""
    api = Recording()
    api.open.clear()
    told = recorder(api)
    numbers = itertools.count(1000)

    def tell() -> None:
        for _ in range(BOUND):
            told.write(NotPublished(KEY, f"{next(numbers)}" + "x" * 5000, refused=True))

    crowd = [threading.Thread(target=tell) for _ in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
    assert not any(one.is_alive() for one in crowd)
    assert 3 * BOUND - 5 <= told.outbox.dropped <= 3 * BOUND
    api.open.set()
    wait_until(lambda: len(api.posted) >= BOUND, 5, "the Events")
    assert len(api.posted) <= BOUND + 5  # one was under way, and each of the four threads may pass the bound by one
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

    def get(self, path: str, query: Any = (), until: float = math.inf) -> Mapping[str, Any]:
        if path not in self.readable:
            raise Rejected(f"403: may not read {path}")
        found: Mapping[str, Any] = self.readable[path]
        return found

    def post(self, path: str, body: Mapping[str, Any], until: float = math.inf) -> Mapping[str, Any]:
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


def changed(verdict: Verdict, before: Verdict, counts: tuple[int, int] | None = (1, 2)) -> HostChanged:
    outcome = Outcome(Reason.OK) if verdict is Verdict.READY else Outcome(Reason.REFUSED, "connection refused")
    return HostChanged(with_host(DB, name="db1"), HostState(verdict, outcome=outcome), before, 3, counts=counts)


OUT = changed(Verdict.NOT_READY, Verdict.READY)
BACK = changed(Verdict.READY, Verdict.NOT_READY, (2, 2))


def test_a_blind_mooring_is_an_event_of_its_own() -> None:
    """Nothing moves then, so somebody must look."""
    api = Readable({})
    Recorder(api, "node-1", lambda: 1.0, pod(POD)).write(BlindChanged(blind=True, targets=7))
    wait_until(lambda: api.posted, 5, "the Event")
    assert (api.posted[0]["reason"], api.posted[0]["involvedObject"]["kind"]) == ("Blind", "Pod")


def test_only_the_leader_posts_how_hosts_are() -> None:
    """Each replica probes all hosts; three must not say the same three times."""
    api = Recording()
    one = Recorder(api, "node-1", lambda: 1.0, leads=False)
    one.write(OUT)
    one.write(LeaderChanged(leading=True, holder="node-1", led=False))
    one.write(BACK)
    one.write(LeaderChanged(leading=False, holder="node-2", led=True))
    one.write(OUT)
    assert one.outbox.flush(60)
    assert [body["reason"] for body in api.posted] == ["HostReady"]


def test_the_same_event_again_raises_the_count_of_one_object() -> None:
    """As kubelet's: the message is the latest one. After 25 at once the next is posted when its time has come."""
    api, now = Recording(), [1000.0]
    one = Recorder(api, "node-1", lambda: now[0])
    for _ in range(40):
        one.write(OUT)
        now[0] += 1.0
    assert one.outbox.flush(60)
    assert len(api.posted) == 1
    assert [name for name, _ in api.changed] == ["event-1"] * 24
    assert api.changed[-1][1]["count"] == 25
    now[0] += 300.0
    one.write(OUT)
    assert one.outbox.flush(60)
    assert (api.changed[-1][1]["count"], len(api.changed)) == (41, 25)


def test_a_service_that_is_made_anew_has_an_event_of_its_own() -> None:
    """`kubectl describe` finds Events by the uid of what they are about."""
    api = Recording()
    one = recorder(api)
    one.write(OUT)
    assert one.outbox.flush(60)
    api.service = {"metadata": {"uid": "5678"}}
    one.write(OUT)
    one.write(OUT)
    assert one.outbox.flush(60)
    assert [body["involvedObject"]["uid"] for body in api.posted] == ["1234", "5678"]
    assert [name for name, _ in api.changed] == ["event-2"]


@pytest.mark.parametrize("fault", [Missing("404: expired"), Rejected("403: may not patch events")])
def test_an_object_that_is_gone_or_may_not_be_changed_is_made_anew(fault: ClusterError) -> None:
    """Kubernetes keeps an Event for an hour; a Role from before lacks the right to patch."""
    api = Recording()
    one = recorder(api)
    one.write(OUT)
    assert one.outbox.flush(60)
    api.refuses_changes = fault
    one.write(OUT)
    assert one.outbox.flush(60)
    assert [body["count"] for body in api.posted] == [1, 2]
