"""A Kubernetes API server as a cluster: followed by watches, written with a precondition."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from mooring.cluster.cache import Watch, name_of, version_of
from mooring.cluster.client import ABSENT, Api
from mooring.cluster.heartbeat import Heartbeat
from mooring.cluster.manifest import facts, labels, merged, notes, parse, subsets
from mooring.cluster.reading import Json
from mooring.cluster.slices import Slices, stored_object
from mooring.cluster.status import Missing
from mooring.cluster.version import Version
from mooring.model.errors import Conflict, Rejected, Unavailable
from mooring.model.objects import (
    EndpointsWrite,
    PublishTarget,
    Refusal,
    ServiceFacts,
    SliceWrite,
    StoredEndpoints,
    StoredSlice,
)
from mooring.model.spec import ServiceKey, ServiceSpec
from mooring.plan.serving import serving

Followed = TypeVar("Followed")
Wake = Callable[[Iterable[ServiceKey]], None]


class KubeCluster:
    """A ``cluster.protocol.Cluster``: reads come from watches of the namespaces in the file, so they cost no call."""

    def __init__(self, api: Api, namespaces: Collection[str]) -> None:
        self._api = api
        self._wake: Wake | None = None
        self._services: dict[str, Watch[ServiceFacts]] = {}
        self._endpoints: dict[str, Watch[StoredEndpoints]] = {}
        self._slices: dict[str, Slices] = {}
        self._version = Version(api)
        self._heartbeat = Heartbeat(api)
        self.follow(namespaces)

    def start(self, wake: Wake) -> None:
        """Follows the objects; ``wake`` gets the key of each that changes."""
        self._wake = wake
        self._version.start()
        for watch in self._watches():
            watch.start()
        self._heartbeat.start()

    def follow(self, namespaces: Collection[str]) -> None:
        before = set(self._watches())
        self._services = {name: self._services.get(name) or self._services_in(name) for name in namespaces}
        self._endpoints = {name: self._endpoints.get(name) or self._endpoints_in(name) for name in namespaces}
        self._slices = {name: self._slices.get(name) or self._slices_in(name) for name in namespaces}
        after = set(self._watches())
        for watch in before - after:
            watch.stop()
        if self._wake:
            for watch in after - before:
                watch.start()

    def stop(self) -> None:
        self._version.stop()
        self._heartbeat.stop()
        for watch in self._watches():
            watch.stop()

    def wait(self, seconds: float) -> bool:
        """Whether all was listed once within so many seconds; for EndpointSlices a refusal is enough."""
        until = time.monotonic() + seconds
        waiting = [watch.listed for watch in self._services.values()]
        waiting += [watch.listed for watch in self._endpoints.values()]
        waiting += [self._version.answered, *(one.watch.answered for one in self._slices.values())]
        return all(event.wait(max(0.0, until - time.monotonic())) for event in waiting)

    def serving(self, spec: ServiceSpec) -> PublishTarget | Refusal:
        found = _followed(self._services, spec.key).get(spec.key.name)
        if why := self._version.too_old():
            return Refusal(why)
        return serving(spec.key, spec.ports, found)

    def read(self, key: ServiceKey) -> StoredEndpoints | None:
        return _followed(self._endpoints, key).get(key.name)

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        key = change.key
        try:
            found = self._create(change, until) if change.before is None else self._update(change, change.before, until)
        except (Conflict, Missing) as error:
            self._read_again(key, until)
            raise Conflict(f"{key} was changed by somebody else: {error}") from error
        after = _stored(key, stored_object(found, key.name))
        _followed(self._endpoints, key).learn(key.name, found)
        return after

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        return _followed(self._slices, key).of(key.name)

    def is_fresh(self, key: ServiceKey) -> bool:
        return _followed(self._slices, key).watch.connected

    def apply_slice(self, change: SliceWrite, until: float = math.inf) -> StoredSlice | None:
        return _followed(self._slices, change.key).apply(change, until)

    def _create(self, change: EndpointsWrite, until: float) -> Json:
        """Creates the Endpoints if its Service exists: without one the controller manager would delete it."""
        key = change.key
        self._service(key, until)
        body = merged({"apiVersion": "v1", "kind": "Endpoints"}, change)
        body["metadata"]["resourceVersion"] = ABSENT
        return self._api.apply(_path(key), body, (("force", "true"),), until)

    def _service(self, key: ServiceKey, until: float) -> Json:
        """The Service as it is now: a watch may be behind."""
        try:
            path = f"/api/v1/namespaces/{key.namespace}/services/{key.name}"
            return stored_object(self._api.get(path, until=until), key.name)
        except Missing as error:
            raise Rejected("there is no such Service; create it without a selector") from error

    def _update(self, change: EndpointsWrite, before: StoredEndpoints, until: float) -> Json:
        metadata = {"resourceVersion": before.version, "labels": labels(change), "annotations": notes(change)}
        body = {"metadata": metadata, "subsets": subsets(change)}
        return self._api.merge(_path(change.key), body, until=until)

    def _read_again(self, key: ServiceKey, until: float) -> None:
        """Puts what is stored now into the cache: a watch may be behind."""
        try:
            found = stored_object(self._api.get(_path(key), until=until), key.name)
        except Missing:
            found = None
        _followed(self._endpoints, key).learn(key.name, found)

    def _services_in(self, namespace: str) -> Watch[ServiceFacts]:
        return Watch(self._api, f"/api/v1/namespaces/{namespace}/services", self._waker(namespace), facts)

    def _endpoints_in(self, namespace: str) -> Watch[StoredEndpoints]:
        def parsed(found: Json) -> StoredEndpoints:
            return _stored(ServiceKey(namespace, name_of(found)), found)

        return Watch(self._api, f"/api/v1/namespaces/{namespace}/endpoints", self._waker(namespace), parsed)

    def _slices_in(self, namespace: str) -> Slices:
        return Slices(self._api, namespace, self._waker(namespace), self._service)

    def _watches(self) -> tuple[Watch[Any], ...]:
        slices = (one.watch for one in self._slices.values())
        return (*self._services.values(), *self._endpoints.values(), *slices)

    def _waker(self, namespace: str) -> Callable[[Collection[str]], None]:
        def wake(names: Collection[str]) -> None:
            if self._wake:
                self._wake([ServiceKey(namespace, name) for name in names])

        return wake


def _followed(of: Mapping[str, Followed], key: ServiceKey) -> Followed:
    """Raises Unavailable: the namespace left the file while somebody still worked on a Service in it."""
    found = of.get(key.namespace)
    if found is None:
        raise Unavailable(f"the namespace {key.namespace} is not followed any more")
    return found


def _stored(key: ServiceKey, found: Json) -> StoredEndpoints:
    # The items of a list bear no kind.
    return parse(key, {"kind": "Endpoints", **found}, version_of(found))


def _path(key: ServiceKey) -> str:
    return f"/api/v1/namespaces/{key.namespace}/endpoints/{key.name}"
