"""A model of what a Kubernetes API server stores and answers; no time, no network.

Resource versions grow by one with each change (API concepts, "Resource versions"). ``test_simulated_api`` plays the
same calls on a real one.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Object = dict[str, Any]
ABSENT = "1"
FIRST_VERSION = 100
_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/v1)/namespaces/(?P<namespace>[^/]+)/(?P<kind>[a-z]+)(?:/(?P<name>[^/]+))?"
)
KINDS = {
    "services": "Service",
    "endpoints": "Endpoints",
    "endpointslices": "EndpointSlice",
    "leases": "Lease",
    "events": "Event",
}


class Answer(NamedTuple):
    status: int
    body: Object


class Place(NamedTuple):
    """Where an object is stored."""

    collection: str
    """The path of all objects of this kind in its namespace."""
    kind: str
    namespace: str
    name: str


class Change(NamedTuple):
    """One stored change: what a watch reports."""

    version: int
    type: str
    collection: str
    name: str
    stored: Object
    before: Object | None
    by: str


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: Mapping[str, str]
    body: Object | None
    kind: str
    by: str
    """Who asks; for judges only."""


class Refused(Exception):
    """The answer is an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Store:
    """``on_change`` gets each change as it is stored."""

    def __init__(self, date: Callable[[], str], on_change: Callable[[Change], None] = lambda _: None) -> None:
        self.version = FIRST_VERSION
        self.objects: dict[str, dict[str, Object]] = {}
        self.changes: list[Change] = []
        self.compacted = 0
        """Watches from before this version get 410."""
        self._date = date
        self._on_change = on_change

    def handle(self, call: Call) -> Answer:
        try:
            return Answer(*self._handle(call))
        except Refused as refused:
            return status(refused.code, str(refused))

    def _handle(self, call: Call) -> tuple[int, Object]:
        if call.path == "/version":
            return 200, {"major": "1", "minor": "35"}
        found = _PATH.fullmatch(call.path)
        if not found or found["kind"] not in KINDS:
            raise Refused(404, "the server could not find the requested resource")
        name = found["name"]
        collection = call.path.removesuffix(f"/{name}") if name else call.path
        place = Place(collection, found["kind"], found["namespace"], name or "")
        if call.method == "GET":
            return 200, self._get(place) if name else self.list_all(collection, call.query)
        if call.method == "POST":
            return 201, self._create(place, call)
        if call.method == "DELETE" and name:
            return 200, self._delete(place, call)
        if call.method == "PATCH" and name:
            return self._patch(place, call)
        raise Refused(405, "method not allowed")

    def _get(self, place: Place) -> Object:
        found = self.objects.get(place.collection, {}).get(place.name)
        if found is None:
            raise Refused(404, f'"{place.name}" not found')
        return found

    def list_all(self, collection: str, query: Mapping[str, str]) -> Object:
        wanted = query.get("fieldSelector", "").removeprefix("metadata.name=")
        held = self.objects.get(collection, {})
        items = [one for name, one in sorted(held.items()) if not wanted or name == wanted]
        return {"metadata": {"resourceVersion": str(self.version)}, "items": items}

    def _create(self, place: Place, call: Call) -> Object:
        body = copy.deepcopy(call.body or {})
        metadata = body.setdefault("metadata", {})
        place = place._replace(name=metadata.get("name") or f"{metadata.get('generateName', '')}{self.version}")
        if place.name in self.objects.get(place.collection, {}):
            raise Refused(409, f'"{place.name}" already exists')
        metadata |= {"name": place.name, "namespace": place.namespace}
        return self._store(place, None, body, call, "Update")

    def _delete(self, place: Place, call: Call) -> Object:
        found = self._get(place)
        wanted = ((call.body or {}).get("preconditions") or {}).get("resourceVersion")
        if wanted is not None and wanted != found["metadata"]["resourceVersion"]:
            raise Refused(409, "the object has been modified")
        self.version += 1
        del self.objects[place.collection][place.name]
        gone = {**found, "metadata": {**found["metadata"], "resourceVersion": str(self.version)}}
        self._note(Change(self.version, "DELETED", place.collection, place.name, gone, found, call.by))
        return {"kind": "Status", "apiVersion": "v1", "status": "Success"}

    def _patch(self, place: Place, call: Call) -> tuple[int, Object]:
        held, patch = self.objects.get(place.collection, {}).get(place.name), copy.deepcopy(call.body or {})
        wanted = (patch.get("metadata") or {}).pop("resourceVersion", None)
        applies = call.kind == "application/apply-patch+yaml"
        if held is None and not applies:
            raise Refused(404, f'"{place.name}" not found')
        is_now = held["metadata"]["resourceVersion"] if held else ABSENT
        if wanted is not None and wanted != is_now:
            raise Refused(409, "the object has been modified; please apply your changes to the latest version")
        after = _merged(held or {"metadata": {"name": place.name, "namespace": place.namespace}}, patch)
        if held is not None and _bare(after) == _bare(held):
            return 200, held
        return (200 if held else 201), self._store(place, held, after, call, "Apply" if applies else "Update")

    def _store(self, place: Place, before: Object | None, after: Object, call: Call, operation: str) -> Object:
        self.version += 1
        metadata = dict(after["metadata"])
        metadata["resourceVersion"] = str(self.version)
        metadata["uid"] = before["metadata"]["uid"] if before else f"u{self.version}"
        manager = call.query.get("fieldManager", call.by)
        others = [one for one in metadata.get("managedFields") or () if one["manager"] != manager]
        fields = [field for field in after if field not in {"metadata", "kind", "apiVersion"}]
        if before is None or any(after.get(field) != before.get(field) for field in fields):
            owned: Object = {f"f:{field}": {} for field in fields}
            entry = {"manager": manager, "operation": operation, "time": self._date(), "fieldsV1": owned}
            metadata["managedFields"] = [*({**one, "fieldsV1": {}} for one in others), entry]
        after = {**after, "metadata": metadata, "kind": KINDS[place.kind]}
        self.objects.setdefault(place.collection, {})[place.name] = after
        kind = "MODIFIED" if before else "ADDED"
        self._note(Change(self.version, kind, place.collection, place.name, after, before, call.by))
        return after

    def _note(self, change: Change) -> None:
        self.changes.append(change)
        self._on_change(change)

    def since(self, collection: str, version: int, query: Mapping[str, str]) -> list[Change]:
        """What a watch that begins after this version sees. Raises Refused: 410."""
        if version < self.compacted:
            raise Refused(410, "too old resource version")
        wanted = query.get("fieldSelector", "").removeprefix("metadata.name=")
        found = []
        for change in reversed(self.changes):
            if change.version <= version:
                break
            if change.collection == collection and (not wanted or change.name == wanted):
                found.append(change)
        return found[::-1]


def status(code: int, message: str) -> Answer:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return Answer(code, body)


def _merged(held: Any, patch: Any) -> Any:
    """RFC 7386; the result shares nothing with ``held`` that could be changed."""
    if not isinstance(patch, dict):
        return patch
    after = dict(held) if isinstance(held, dict) else {}
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = _merged(after.get(name), value)
    return after


def _bare(found: Object) -> Object:
    metadata = {k: v for k, v in found["metadata"].items() if k not in {"resourceVersion", "managedFields"}}
    return {**found, "metadata": metadata, "kind": None, "apiVersion": None}
