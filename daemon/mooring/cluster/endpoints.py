"""Endpoints in a Kubernetes API server, followed by watches, written with a precondition."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from mooring.cluster.cache import Watch, version_of
from mooring.cluster.client import Api, Json
from mooring.cluster.manifest import MANAGED_BY, US, facts, merged, parse, subsets
from mooring.cluster.status import Missing
from mooring.decide.plan import Refusal
from mooring.decide.service import serving
from mooring.errors import Conflict, Rejected, Unavailable
from mooring.model import Change, ServiceKey, ServiceSpec, Serving, Stored

Wake = Callable[[Iterable[ServiceKey]], None]
ABSENT = "1"
"""No stored object has this resourceVersion, so an apply that names it creates or gives 409, and never updates."""


class KubeCluster:
    """A ``cluster.protocol.Cluster``: reads come from watches of the namespaces served, so they cost no call."""

    def __init__(self, api: Api, namespaces: Collection[str]) -> None:
        self._api = api
        self._wake: Wake | None = None
        self._services: dict[str, Watch] = {}
        self._endpoints: dict[str, Watch] = {}
        self.follow(namespaces)

    def start(self, wake: Wake) -> None:
        """Follows the objects; ``wake`` gets the key of each that changes."""
        self._wake = wake
        for watch in self._watches():
            watch.start()

    def follow(self, namespaces: Collection[str]) -> None:
        before = set(self._watches())
        self._services = {name: self._services.get(name) or self._watch(name, "services") for name in namespaces}
        self._endpoints = {name: self._endpoints.get(name) or self._watch(name, "endpoints") for name in namespaces}
        after = set(self._watches())
        for watch in before - after:
            watch.stop()
        if self._wake:
            for watch in after - before:
                watch.start()

    def stop(self) -> None:
        for watch in self._watches():
            watch.stop()

    def wait(self, seconds: float) -> bool:
        """Whether all was listed once within so many seconds."""
        until = time.monotonic() + seconds
        return all(watch.listed.wait(max(0.0, until - time.monotonic())) for watch in self._watches())

    def serving(self, spec: ServiceSpec) -> Serving | Refusal:
        found = self._services[spec.key.namespace].get(spec.key.name)
        return serving(spec.key, spec.ports, None if found is None else facts(found))

    def read(self, key: ServiceKey) -> Stored | None:
        found = self._endpoints[key.namespace].get(key.name)
        return None if found is None else _stored(key, found)

    def apply(self, change: Change) -> Stored:
        key = change.key
        try:
            found = self._create(change) if change.before is None else self._update(change, change.before)
        except (Conflict, Missing) as error:
            self._look(key)
            raise Conflict(f"{key} was changed by somebody else: {error}") from error
        after = _stored(key, _object(found))
        self._endpoints[key.namespace].learn(key.name, found)
        return after

    def _create(self, change: Change) -> Json:
        """Never makes an orphan: without its Service, the controller manager would delete it, and nobody uses it."""
        key = change.key
        try:
            self._api.get(f"/api/v1/namespaces/{key.namespace}/services/{key.name}")
        except Missing as error:
            raise Rejected("there is no such Service; create it without a selector") from error
        body = merged({"apiVersion": "v1", "kind": "Endpoints"}, change)
        body["metadata"]["resourceVersion"] = ABSENT
        return self._api.apply(_path(key), body, (("force", "true"),))

    def _update(self, change: Change, before: Stored) -> Json:
        metadata = {"resourceVersion": before.version, "labels": {MANAGED_BY: US}}
        return self._api.merge(_path(change.key), {"metadata": metadata, "subsets": subsets(change)})

    def _look(self, key: ServiceKey) -> None:
        """What is there now: a watch may be behind."""
        try:
            found = _object(self._api.get(_path(key)))
        except Missing:
            found = None
        self._endpoints[key.namespace].learn(key.name, found)

    def _watch(self, namespace: str, kind: str) -> Watch:
        path = f"/api/v1/namespaces/{namespace}/{kind}"
        return Watch(self._api, path, lambda name: self._tell(ServiceKey(namespace, name)))

    def _watches(self) -> tuple[Watch, ...]:
        return (*self._services.values(), *self._endpoints.values())

    def _tell(self, key: ServiceKey) -> None:
        if self._wake:
            self._wake([key])


def _object(answer: Json) -> Json:
    metadata = answer.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("resourceVersion"):
        raise Unavailable("the answer is no stored object; what answers may be no API server")
    return answer


def _stored(key: ServiceKey, found: Json) -> Stored:
    # The items of a list bear no kind.
    return parse(key, {"kind": "Endpoints", **found}, version_of(found))


def _path(key: ServiceKey) -> str:
    return f"/api/v1/namespaces/{key.namespace}/endpoints/{key.name}"
