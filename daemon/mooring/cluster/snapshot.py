"""One Service and its objects as they are now, by plain calls: for commands, which follow nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mooring.cluster.cache import version_of
from mooring.cluster.client import Api
from mooring.cluster.manifest import facts, parse
from mooring.cluster.reading import Json
from mooring.cluster.slice_manifest import SERVICE, parse_slice
from mooring.cluster.slices import stored_object
from mooring.cluster.status import Missing
from mooring.model.errors import Rejected, Unavailable
from mooring.model.objects import ServiceFacts, StoredEndpoints, StoredObjects, StoredSlice
from mooring.model.spec import ServiceKey

Value = TypeVar("Value")
_NONSENSE = (KeyError, TypeError, AttributeError, ValueError)
"""What the code raises where an answer is JSON, but no object of Kubernetes."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``service`` is None where there is no such Service."""

    key: ServiceKey
    service: ServiceFacts | None
    stored: StoredObjects


def snapshot(api: Api, key: ServiceKey) -> Snapshot:
    """Reads the Service, its Endpoints and its EndpointSlices, each once.

    Raises:
        Unavailable: the API server does not answer, or not as one. Rejected: our account may not read these.
    """
    service = _read(api, key, "services", facts)
    endpoints = _read(api, key, "endpoints", lambda found: _endpoints(key, found))
    try:
        return Snapshot(key, service, StoredObjects(endpoints, _slices(api, key)))
    except Rejected:
        return Snapshot(key, service, StoredObjects(endpoints, hidden=True))


def _read(api: Api, key: ServiceKey, kind: str, parsed: Callable[[Json], Value]) -> Value | None:
    try:
        found = api.get(f"/api/v1/namespaces/{key.namespace}/{kind}/{key.name}")
    except Missing:
        return None
    return _sensible(parsed, stored_object(found, key.name))


def _endpoints(key: ServiceKey, found: Json) -> StoredEndpoints:
    return parse(key, {"kind": "Endpoints", **found}, version_of(found))


def _slices(api: Api, key: ServiceKey) -> tuple[StoredSlice, ...]:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{key.namespace}/endpointslices"
    found = api.get(path, (("labelSelector", f"{SERVICE}={key.name}"),))
    return _sensible(lambda listed: tuple(parse_slice(one, version_of(one)) for one in listed["items"]), found)


def _sensible(parsed: Callable[[Json], Value], found: Json) -> Value:
    try:
        return parsed(found)
    except _NONSENSE as error:
        raise Unavailable("what answers is no API server: it sends objects of another shape") from error
