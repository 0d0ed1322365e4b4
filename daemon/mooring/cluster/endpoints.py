"""A Kubernetes API server as a cluster: followed by watches, written with a precondition."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from mooring.cluster.cache import Watch, version_of
from mooring.cluster.client import ABSENT, Api, Json
from mooring.cluster.manifest import facts, labels, merged, parse, subsets
from mooring.cluster.slices import Slices, stored_object
from mooring.cluster.status import Missing
from mooring.cluster.version import too_old
from mooring.decide.plan import Refusal
from mooring.decide.service import serving
from mooring.errors import Conflict, Rejected
from mooring.model import Change, Serving, Stored
from mooring.picture import SliceChange, StoredSlice
from mooring.spec import ServiceKey, ServiceSpec

Wake = Callable[[Iterable[ServiceKey]], None]


class KubeCluster:
    """A ``cluster.protocol.Cluster``: reads come from watches of the namespaces served, so they cost no call."""

    def __init__(self, api: Api, namespaces: Collection[str]) -> None:
        self._api = api
        self._wake: Wake | None = None
        self._services: dict[str, Watch] = {}
        self._endpoints: dict[str, Watch] = {}
        self._slices: dict[str, Slices] = {}
        self._too_old: str | None = None
        self._asked_version = False
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
        self._slices = {name: self._slices.get(name) or self._slices_in(name) for name in namespaces}
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
        """Whether all was listed once within so many seconds; EndpointSlices may be forbidden to us as well."""
        until = time.monotonic() + seconds
        waiting = [watch.listed for watch in (*self._services.values(), *self._endpoints.values())]
        waiting += [one.watch.answered for one in self._slices.values()]
        return all(event.wait(max(0.0, until - time.monotonic())) for event in waiting)

    def serving(self, spec: ServiceSpec) -> Serving | Refusal:
        found = self._services[spec.key.namespace].get(spec.key.name)
        if not self._asked_version:
            self._too_old = too_old(self._api)
            self._asked_version = True
        if self._too_old:
            return Refusal(self._too_old)
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
        after = _stored(key, stored_object(found))
        self._endpoints[key.namespace].learn(key.name, found)
        return after

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        return self._slices[key.namespace].of(key.name)

    def apply_slice(self, change: SliceChange) -> StoredSlice | None:
        return self._slices[change.key.namespace].apply(change)

    def _create(self, change: Change) -> Json:
        """Never makes an orphan: without its Service, the controller manager would delete it, and nobody uses it."""
        key = change.key
        self._service(key)
        body = merged({"apiVersion": "v1", "kind": "Endpoints"}, change)
        body["metadata"]["resourceVersion"] = ABSENT
        return self._api.apply(_path(key), body, (("force", "true"),))

    def _service(self, key: ServiceKey) -> Json:
        """The Service as it is now: a watch may be behind."""
        try:
            return stored_object(self._api.get(f"/api/v1/namespaces/{key.namespace}/services/{key.name}"))
        except Missing as error:
            raise Rejected("there is no such Service; create it without a selector") from error

    def _update(self, change: Change, before: Stored) -> Json:
        metadata = {"resourceVersion": before.version, "labels": labels(change)}
        return self._api.merge(_path(change.key), {"metadata": metadata, "subsets": subsets(change)})

    def _look(self, key: ServiceKey) -> None:
        """What is there now: a watch may be behind."""
        try:
            found = stored_object(self._api.get(_path(key)))
        except Missing:
            found = None
        self._endpoints[key.namespace].learn(key.name, found)

    def _watch(self, namespace: str, kind: str) -> Watch:
        path = f"/api/v1/namespaces/{namespace}/{kind}"
        return Watch(self._api, path, lambda name: self._tell(ServiceKey(namespace, name)))

    def _slices_in(self, namespace: str) -> Slices:
        return Slices(self._api, namespace, lambda name: self._tell(ServiceKey(namespace, name)), self._service)

    def _watches(self) -> tuple[Watch, ...]:
        slices = (one.watch for one in self._slices.values())
        return (*self._services.values(), *self._endpoints.values(), *slices)

    def _tell(self, key: ServiceKey) -> None:
        if self._wake:
            self._wake([key])


def _stored(key: ServiceKey, found: Json) -> Stored:
    # The items of a list bear no kind.
    return parse(key, {"kind": "Endpoints", **found}, version_of(found))


def _path(key: ServiceKey) -> str:
    return f"/api/v1/namespaces/{key.namespace}/endpoints/{key.name}"
