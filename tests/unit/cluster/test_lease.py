"""The Lease against a server that says what a real one cannot be made to say; tests/cluster has the rest."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ground.fake_api import Answer, FakeApi, says, stays_open
from ground.waiting import wait_until
from mooring.cluster.client import Api, home, login
from mooring.cluster.lease import LeaseStore
from mooring.decide.election import Claim, Lease
from mooring.errors import ClusterError, Conflict, Rejected, Unavailable

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


Serving = Callable[..., tuple[LeaseStore, FakeApi]]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    made: list[tuple[LeaseStore, FakeApi]] = []

    def make(*answers: Answer) -> tuple[LeaseStore, FakeApi]:
        server = FakeApi(*answers).__enter__()
        api = Api(login("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"token": "none"}), None))
        made.append((LeaseStore(api, "here", "mooring"), server))
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
    assert store.wait(5)
    assert store.read() == found
    assert server.asked[0].line.startswith(f"GET {PLACE}?fieldSelector=metadata.name%3Dmooring ")


def test_nonsense_is_no_lease(serving: Serving) -> None:
    store, _ = serving(listed(stored(leaseDurationSeconds="soon")), stays_open())
    store.start(lambda: None)
    assert store.wait(5)
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
    store, _ = serving(says(status, {"message": "said so"}))
    with pytest.raises(kind, match=why):
        store.put(Claim(before, WANTED))


def test_who_was_slower_learns_who_holds_it(serving: Serving) -> None:
    """After a 409 what is there now is read at once: the watch may be behind."""
    held = stored(11, holderIdentity="third", leaseDurationSeconds=15)
    answers = listed(stored(7, holderIdentity="other")), stays_open()
    store, server = serving(*answers)
    store.start(lambda: None)
    assert store.wait(5)
    wait_until(lambda: len(server.asked) == 2, 5, "the watch to begin")
    server._answers[:] = [says(409, {}), says(200, held)]
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
    assert home("kubeconfig", path, context) == wanted


def test_the_namespace_of_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a service account is mounted, its namespace."""
    monkeypatch.setattr("mooring.cluster.client.SERVICE_ACCOUNT", tmp_path / "token")
    assert home("in-cluster", None, None) == "default"
    (tmp_path / "token").write_text("x")
    (tmp_path / "namespace").write_text("mooring\n")
    assert home("auto", None, None) == "mooring"
