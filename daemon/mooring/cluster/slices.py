"""EndpointSlices in a Kubernetes API server, written with a precondition."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

from mooring.cluster.cache import Watch, version_of
from mooring.cluster.client import ABSENT, Api
from mooring.cluster.reading import Json
from mooring.cluster.slice_manifest import merged_slice, parse_slice, service_of, slice_patch
from mooring.cluster.status import Missing
from mooring.model.errors import Conflict, Unavailable
from mooring.model.objects import Slice, SliceWrite, StoredSlice
from mooring.model.spec import ServiceKey


class Slices:
    """The slices of one namespace. ``wake`` gets the names of the Services whose slices change.

    ``service`` asks for a Service as it is now, until a moment in monotonic seconds.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        wake: Callable[[Collection[str]], None],
        service: Callable[[ServiceKey, float], Json],
    ) -> None:
        self._api = api
        self._path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self._service = service
        self.watch = Watch(api, self._path, wake, lambda found: parse_slice(found, version_of(found)), group=service_of)

    def of(self, service: str) -> tuple[StoredSlice, ...]:
        """The slices of a Service, whoever keeps them. Raises ClusterError: none were ever listed."""
        return self.watch.of(service)

    def apply(self, change: SliceWrite, until: float = math.inf) -> StoredSlice | None:
        """Stores the change; returns what is stored then. Raises Conflict, Unavailable, Rejected."""
        name = change.after.name if change.after else change.before.slice.name if change.before else ""
        try:
            found = self._write(change, f"{self._path}/{name}", until)
        except (Conflict, Missing) as error:
            self._read_again(name, until)
            raise Conflict(f"the EndpointSlice {name} was changed by somebody else: {error}") from error
        return self.watch.learn(name, found)

    def _write(self, change: SliceWrite, path: str, until: float) -> Json | None:
        before, after = change.before, change.after
        if after is None:
            self._api.delete(path, before.version if before else ABSENT, until)
            return None
        if before is None:
            made = self._made(change, after, until)
            return stored_object(self._api.apply(path, made, (("force", "true"),), until), after.name)
        patch = slice_patch(change, after)
        patch["metadata"]["resourceVersion"] = before.version
        return stored_object(self._api.merge(path, patch, until=until), after.name)

    def _made(self, change: SliceWrite, after: Slice, until: float) -> dict[str, Any]:
        """A new slice; Kubernetes deletes it with its Service, which owns it."""
        service = self._service(change.key, until)
        owner = {"apiVersion": "v1", "kind": "Service", "name": change.key.name, "uid": service["metadata"].get("uid")}
        body = merged_slice({}, change, after)
        body["metadata"] |= {"resourceVersion": ABSENT, "ownerReferences": [owner]}
        return body

    def _read_again(self, name: str, until: float) -> None:
        """Puts what is stored now into the cache: a watch may be behind."""
        try:
            found = stored_object(self._api.get(f"{self._path}/{name}", until=until), name)
        except Missing:
            found = None
        self.watch.learn(name, found)


def stored_object(answer: Json, name: str) -> Json:
    """The answer, if it is a stored object of this name. Raises Unavailable: it is not."""
    metadata = answer.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not (isinstance(version, str) and version):
        raise Unavailable("the answer is no stored object; what answers may be no API server")
    if metadata.get("name") != name:
        raise Unavailable(f"the answer is not {name}, which was asked for; what answers may be no API server")
    return answer
