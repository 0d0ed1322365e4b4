"""EndpointSlices in a Kubernetes API server, written with a precondition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mooring.cluster.cache import Watch, version_of
from mooring.cluster.client import ABSENT, Api, Json
from mooring.cluster.slice_manifest import merged_slice, parse_slice, service_of, slice_patch
from mooring.cluster.status import Missing
from mooring.errors import Conflict, Unavailable
from mooring.picture import Slice, SliceChange, StoredSlice
from mooring.spec import ServiceKey


class Slices:
    """Those of one namespace. ``service`` gives a Service as it is now, ``tell`` gets the name of each that changes."""

    def __init__(
        self, api: Api, namespace: str, tell: Callable[[str], None], service: Callable[[ServiceKey], Json]
    ) -> None:
        self._api = api
        self._path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self._service = service
        self.watch = Watch(api, self._path, tell, group=service_of)

    def of(self, service: str) -> tuple[StoredSlice, ...]:
        """All that bear the Service's name, whoever keeps them. Raises ClusterError: nothing was ever seen."""
        return tuple(parse_slice(found, version_of(found)) for found in self.watch.of(service))

    def apply(self, change: SliceChange) -> StoredSlice | None:
        """Stores the change; what is stored then. Raises Conflict, Unavailable, Rejected."""
        name = change.after.name if change.after else change.before.slice.name if change.before else ""
        try:
            found = self._write(change, f"{self._path}/{name}")
        except (Conflict, Missing) as error:
            self._look(name)
            raise Conflict(f"the EndpointSlice {name} was changed by somebody else: {error}") from error
        self.watch.learn(name, found)
        return None if found is None else parse_slice(found, version_of(found))

    def _write(self, change: SliceChange, path: str) -> Json | None:
        before, after = change.before, change.after
        if after is None:
            self._api.delete(path, before.version if before else ABSENT)
            return None
        if before is None:
            return stored_object(self._api.apply(path, self._made(change, after), (("force", "true"),)))
        patch = slice_patch(change, after)
        patch["metadata"]["resourceVersion"] = before.version
        return stored_object(self._api.merge(path, patch))

    def _made(self, change: SliceChange, after: Slice) -> dict[str, Any]:
        """A new one belongs to its Service, and is deleted with it."""
        service = self._service(change.key)
        owner = {"apiVersion": "v1", "kind": "Service", "name": change.key.name, "uid": service["metadata"]["uid"]}
        body = merged_slice({}, change, after)
        body["metadata"] |= {"resourceVersion": ABSENT, "ownerReferences": [owner]}
        return body

    def _look(self, name: str) -> None:
        """What is there now: a watch may be behind."""
        try:
            found = stored_object(self._api.get(f"{self._path}/{name}"))
        except Missing:
            found = None
        self.watch.learn(name, found)


def stored_object(answer: Json) -> Json:
    """Raises Unavailable: the answer is none."""
    metadata = answer.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("resourceVersion"):
        raise Unavailable("the answer is no stored object; what answers may be no API server")
    return answer
