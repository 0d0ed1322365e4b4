"""The API server of the simulated worlds answers and stores what a real one does, as far as Mooring asks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from kube.api import Api as Server
from mooring.cluster.client import ABSENT, Api, client_factory
from mooring.cluster.deadline import Deadline
from mooring.cluster.status import Missing
from mooring.model.errors import ClusterError, Conflict
from simulation.api_store import Call, Store

pytestmark = pytest.mark.needs_api

CALLS = 150
NAMES = ("one", "two")
ADDRESSES = ("10.20.0.11", "10.20.0.12", "10.20.0.13")
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


@dataclass(frozen=True)
class Kind:
    """Objects of one kind. ``always``: fields without which none is created; ``written``: those that Mooring writes."""

    version: str
    place: str
    name: str
    always: Mapping[str, Any]
    written: tuple[str, ...]

    def path(self, namespace: str) -> str:
        root = "/apis" if "/" in self.version else "/api"
        return f"{root}/{self.version}/namespaces/{namespace}/{self.place}"


ENDPOINTS = Kind("v1", "endpoints", "Endpoints", {}, ("subsets",))
SLICES = Kind("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", {"addressType": "IPv4"}, ("endpoints", "ports"))


def addresses(chance: random.Random, kind: Kind) -> dict[str, Any]:
    """Some hosts, as Mooring writes them."""
    ready = sorted(chance.sample(ADDRESSES, chance.randint(1, 3)))
    ports = [{"name": "db", "port": 6379, "protocol": "TCP"}]
    if kind is ENDPOINTS:
        return {"subsets": [{"addresses": [{"ip": one} for one in ready], "ports": ports}]}
    serves = chance.random() < 0.7
    conditions = {"ready": serves, "serving": serves, "terminating": False}
    return {"endpoints": [{"addresses": [one], "conditions": conditions} for one in ready], "ports": ports}


def drawn(chance: random.Random, kind: Kind) -> tuple[str, str, str, dict[str, Any]]:
    """What is done to which object, by which version of it, and what is written."""
    what = chance.choice(("create", "merge", "merge", "merge", "again", "delete", "get"))
    body = addresses(chance, kind)
    if chance.random() < 0.3:
        notes = {"note": chance.choice(("a", None))} if what != "create" else {}
        body = {"metadata": {"labels": {"color": chance.choice(("red", "blue"))}, "annotations": notes}}
    return what, chance.choice(NAMES), chance.choice(("is now", "is now", "old", "none")), body


def content(stored: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    metadata = stored["metadata"]
    kept = {name: metadata.get(name) or {} for name in ("name", "namespace", "labels", "annotations")}
    return kept | {name: stored.get(name) or [] for name in (*kind.always, *kind.written)}


class Real:
    """A real API server, asked as Mooring asks it."""

    def __init__(self, server: Server, namespace: str, kind: Kind) -> None:
        self.api = Api(client_factory("kubeconfig", server.kubeconfig, None))
        self.path = kind.path(namespace)
        self.begin = str(self.api.get(self.path)["metadata"]["resourceVersion"])

    def do(self, method: str, name: str, body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
        path = f"{self.path}/{name}"
        if method == "GET":
            return self.api.get(path)
        if method == "DELETE":
            return self.api.delete(path, body["preconditions"]["resourceVersion"])
        return self.api.apply(path, body, (("force", "true"),)) if kind == APPLY else self.api.merge(path, body)

    def objects(self) -> list[Mapping[str, Any]]:
        return list(self.api.get(self.path)["items"])

    def changes(self, count: int) -> list[tuple[str, str]]:
        with Deadline(20.0) as call:
            events = self.api.watch(self.path, self.begin, call)
            wanted = (event for event in events if event["type"] != "BOOKMARK")
            return [(one["type"], one["object"]["metadata"]["name"]) for one in itertools.islice(wanted, count)]


class Model:
    """The model of the simulation, asked the same."""

    def __init__(self, namespace: str, kind: Kind) -> None:
        self.store = Store(lambda: "")
        self.path = kind.path(namespace)

    def do(self, method: str, name: str, body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
        given = None if method == "GET" else dict(body)
        answer = self.store.handle(Call(method, f"{self.path}/{name}", {"fieldManager": "mooring"}, given, kind, "one"))
        errors: dict[int, type[ClusterError]] = {404: Missing, 409: Conflict}
        if answer.status in errors:
            raise errors[answer.status]("")
        return answer.body

    def objects(self) -> list[Mapping[str, Any]]:
        return list(self.store.list_all(self.path, {})["items"])

    def changes(self, count: int) -> list[tuple[str, str]]:
        return [(change.type, change.name) for change in self.store.changes[:count]]


class Player:
    """Does the same to one side: each has versions of its own."""

    def __init__(self, side: Real | Model, kind: Kind) -> None:
        self.side, self.kind = side, kind
        self.seen: dict[str, list[str]] = {name: [] for name in NAMES}
        self.last: dict[str, dict[str, Any]] = {}

    def play(self, what: str, name: str, version: str, body: dict[str, Any]) -> str:
        """How it ended, and whether something was stored."""
        known = self.seen[name]
        versions = {"is now": known[-1:], "old": known[:-1][-1:], "none": []}[version]
        named = {"resourceVersion": versions[0]} if versions else {}
        method, sent, kind = "PATCH", {**body, "metadata": {**body.get("metadata", {}), **named}}, MERGE
        if what == "create":
            sent = {"apiVersion": self.kind.version, "kind": self.kind.name, **self.kind.always, **body}
            sent["metadata"] = {"name": name, **body.get("metadata", {}), "resourceVersion": ABSENT}
            kind = APPLY
        elif what == "again":
            sent = {**self.last.get(name, body), "metadata": {**self.last.get(name, body).get("metadata", {}), **named}}
        elif what == "delete":
            method, sent = "DELETE", {"apiVersion": "v1", "kind": "DeleteOptions"}
            sent["preconditions"] = {"resourceVersion": versions[0] if versions else "2"}
        elif what == "get":
            method = "GET"
        try:
            found = self.side.do(method, name, sent, kind)
        except ClusterError as error:
            return type(error).__name__
        stored = str(found.get("metadata", {}).get("resourceVersion") or "")
        changed = bool(stored) and (not known or known[-1] != stored)
        if what == "merge":
            self.last[name] = body
        if changed:
            known.append(stored)
        return "stored" if changed else "done"


@pytest.mark.parametrize("kind", [ENDPOINTS, SLICES], ids=lambda kind: kind.place)
@pytest.mark.parametrize("seed", range(3))
def test_the_same_calls_have_the_same_results(api: Server, namespace: str, seed: int, kind: Kind) -> None:
    """Preconditions, creations, merges that change nothing, deletions, and what a watch reports of all that."""
    chance = random.Random(seed)
    real, model = Real(api, namespace, kind), Model(namespace, kind)
    players = Player(real, kind), Player(model, kind)
    for step in range(CALLS):
        call = drawn(chance, kind)
        results = [player.play(*call) for player in players]
        assert results[0] == results[1], (step, call)
        contents = [sorted((content(one, kind) for one in side.objects()), key=str) for side in (real, model)]
        assert contents[0] == contents[1], (step, call)
    count = len(model.store.changes)
    assert count > CALLS // 4, "hardly anything was stored"
    assert real.changes(count) == model.changes(count)
