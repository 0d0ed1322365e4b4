"""The Lease against a server that says what a real one cannot be made to say; tests/cluster has the rest."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.waiting import wait_until
from mooring.cluster.client import Api, client_factory, own_namespace
from mooring.cluster.lease import HANDED_OVER, OBSERVES, KubeLeaseStore, observer_stores
from mooring.leader.election import Claim, Lease
from mooring.model.errors import ClusterError, Conflict, Rejected, Unavailable
from support.fake_api import Answer, FakeApi, refuses, says, stays_open

WANTED = Lease("me", 15.0, 5, "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.000000Z")
BEFORE = Lease("other", 15.0, 4, version="7")
PLACE = "/apis/coordination.k8s.io/v1/namespaces/here/leases"


def stored(version: int = 8, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "mooring", "resourceVersion": str(version)}, "spec": spec}


def listed(*items: dict[str, Any]) -> Answer:
    return says(200, {"metadata": {"resourceVersion": "9"}, "items": list(items)})


@pytest.fixture(scope="module", autouse=True)
def _all_closed() -> Iterator[None]:
    yield
    gc.collect()  # a socket that was left open complains here


Serving = Callable[..., tuple[KubeLeaseStore, FakeApi]]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    made: list[tuple[KubeLeaseStore, FakeApi]] = []

    def make(*answers: Answer) -> tuple[KubeLeaseStore, FakeApi]:
        server = FakeApi(*answers).__enter__()
        api = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"token": "none"}), None))
        made.append((KubeLeaseStore(api, "here", "mooring"), server))
        return made[-1]

    yield make
    for store, server in made:
        store.stop()
        server.__exit__()


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({}, Lease("", None, 0, version="8")),
        ({"holderIdentity": None, "leaseTransitions": None}, Lease("", None, 0, version="8")),
        (
            {"holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 3, "renewTime": "t"},
            Lease("a", 15.0, 3, "", "t", "8"),
        ),
    ],
    ids=["empty", "nulls", "held"],
)
def test_what_others_wrote_is_read(serving: Serving, spec: dict[str, Any], found: Lease) -> None:
    """Only the one Lease is followed, so that a Role may name it; absent and null fields are empty."""
    store, server = serving(listed(stored(**spec)), stays_open())
    store.start(lambda: None)
    assert store.wait(60)
    assert store.read() == found
    assert server.asked[0].line.startswith(f"GET {PLACE}?fieldSelector=metadata.name%3Dmooring&limit=")


@pytest.mark.parametrize(
    "found",
    [
        stored(leaseDurationSeconds="soon"),
        stored(leaseDurationSeconds=math.inf),
        stored(leaseDurationSeconds=math.nan),
        stored(leaseTransitions=math.inf),
        stored(leaseTransitions=[7]),
        {**stored(), "spec": [7]},
        {"metadata": {"name": "mooring", "resourceVersion": "8", "annotations": ["mooring/handed-over"]}},
    ],
    ids=["words", "for-ever", "not-a-number", "transitions", "a-list", "spec", "annotations"],
)
def test_nonsense_is_no_lease(serving: Serving, found: dict[str, Any]) -> None:
    """Whatever answers in the API server's place, the candidate goes on and says what it met."""
    store, _ = serving(listed(found), stays_open())
    store.start(lambda: None)
    assert store.wait(60)
    with pytest.raises(Unavailable, match="no API server"):
        store.read()


def test_a_claim_names_what_it_was_decided_on(serving: Serving) -> None:
    """A renewal merges our fields into that one version; a first Lease is only made where there is none."""
    store, server = serving(says(200, stored(holderIdentity="me", leaseDurationSeconds=15, leaseTransitions=5)))
    assert store.put(Claim(BEFORE, WANTED)).version == "8"
    store.put(Claim(None, WANTED))
    patch, create = (json.loads(asked.body) for asked in server.asked)
    assert patch["metadata"] == {"resourceVersion": "7"}
    assert create["metadata"] == {"name": "mooring", "resourceVersion": "1"}
    assert (
        patch["spec"]
        == create["spec"]
        == {
            "holderIdentity": "me",
            "leaseDurationSeconds": 15,
            "acquireTime": WANTED.acquired,
            "renewTime": WANTED.renewed,
            "leaseTransitions": 5,
        }
    )


def test_a_note_is_an_annotation_and_others_stay(serving: Serving) -> None:
    """What a holder says beside the Lease is written where it changes, taken away where it is over, and read."""
    store, server = serving(
        says(
            200,
            {"metadata": {"name": "mooring", "resourceVersion": "8", "annotations": {HANDED_OVER: "a/1", "b": "c"}}},
        )
    )
    assert store.put(Claim(BEFORE, replace(WANTED, note="a/1"))).note == "a/1"
    store.put(Claim(replace(BEFORE, note="a/1"), replace(WANTED, note="a/1")))
    store.put(Claim(replace(BEFORE, note="a/1"), WANTED))
    store.put(Claim(None, replace(WANTED, note="a/1")))
    said = [json.loads(asked.body)["metadata"].get("annotations") for asked in server.asked]
    assert said == [{HANDED_OVER: "a/1"}, None, {HANDED_OVER: None}, {HANDED_OVER: "a/1"}]


def test_there_are_five_observer_leases(tmp_path: Path) -> None:
    """Each is named after the Lease of the election, and says what its holder sees in an annotation of its own."""
    with FakeApi() as server:
        api = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"token": "none"}), None))
        stores = observer_stores(api, "here", "db")
    assert [store._name for store in stores] == [f"db-observer-{slot}" for slot in range(5)]
    assert {store._note for store in stores} == {OBSERVES}


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("Thu, 01 Jan 2026 00:00:10 GMT", 1767225610.0),
        (None, None),
        ("soon", None),
        ("Thu, 99 Jan 2026 00:00:10 GMT", None),
    ],
)
def test_the_server_says_its_date(serving: Serving, said: str | None, date: float | None) -> None:
    """The API server's own clock, by its last answer; nonsense is no date."""
    store, _ = serving(says(200, stored(holderIdentity="me"), {"Date": said} if said else {}))
    assert store.date() is None
    store.put(Claim(BEFORE, WANTED))
    assert store.date() == date


@pytest.mark.parametrize(
    ("before", "status", "kind", "why"),
    [
        (BEFORE, 403, Rejected, "needs the verbs get, list, watch, create and patch: .*403"),
        (None, 403, Rejected, "needs the verbs"),
        (None, 404, Rejected, "the Lease here/mooring cannot be used"),
        (BEFORE, 404, Conflict, "404"),
        (BEFORE, 503, Unavailable, "503"),
    ],
)
def test_each_refusal_is_told(
    serving: Serving, before: Lease | None, status: int, kind: type[ClusterError], why: str
) -> None:
    """A missing right is named with all that are needed; a Lease that is gone is made anew."""
    store, _ = serving(refuses(status))
    with pytest.raises(kind, match=why):
        store.put(Claim(before, WANTED))


@pytest.mark.parametrize("before", [BEFORE, None], ids=["renewal", "first"])
def test_a_claim_sends_nothing_after_its_moment(serving: Serving, before: Lease | None) -> None:
    """A candidate that slept through the time of its claim claims nothing."""
    store, server = serving(says(200, stored(holderIdentity="me")))
    with pytest.raises(Unavailable, match="within its deadline"):
        store.put(Claim(before, WANTED), until=time.monotonic())
    assert server.asked == []


def test_who_was_slower_learns_who_holds_it(serving: Serving) -> None:
    """After a 409 what is there now is read at once: the watch may be behind."""
    held = stored(11, holderIdentity="third", leaseDurationSeconds=15)
    answers = listed(stored(7, holderIdentity="other")), stays_open()
    store, server = serving(*answers)
    store.start(lambda: None)
    assert store.wait(60)
    wait_until(lambda: len(server.asked) == 2, 5, "the watch to begin")
    server.goes_on_with(refuses(409), says(200, held))
    with pytest.raises(Conflict):
        store.put(Claim(BEFORE, WANTED))
    found = store.read()
    assert found is not None
    assert (found.holder, found.version) == ("third", "11")


KUBECONFIG = """
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u, namespace: mine}}
- {name: two, context: {cluster: c, user: u}}
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
"""


@pytest.mark.parametrize(
    ("text", "context", "wanted"),
    [
        (KUBECONFIG, None, "mine"),
        (KUBECONFIG, "two", "default"),
        ("{", None, "default"),
        ("contexts: 7", None, "default"),
        (None, None, "default"),
    ],
    ids=["of-the-context", "without-one", "no-yaml", "nonsense", "no-file"],
)
def test_the_namespace_of_a_kubeconfig(tmp_path: Path, text: str | None, context: str | None, wanted: str) -> None:
    """The Lease is where the context points to, as kubectl would have it; what is wrong is told by the login."""
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    assert own_namespace("kubeconfig", path, context) == wanted


def test_the_namespace_of_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a service account is mounted, its namespace."""
    monkeypatch.setattr("mooring.cluster.client.SERVICE_ACCOUNT", tmp_path / "token")
    assert own_namespace("in-cluster", None, None) == "default"
    (tmp_path / "token").write_text("x")
    (tmp_path / "namespace").write_text("mooring\n")
    assert own_namespace("auto", None, None) == "mooring"
