"""Objects of a cluster as its API server sends them, and a fake API server that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.fake_api import Answer, Asked, FakeApi, refuses, says

Object = dict[str, Any]

SERVICE = "kubernetes.io/service-name"
KEEPER = "endpointslice.kubernetes.io/managed-by"


def service(name: str = "db", *ports: Object, namespace: str = "shop", **spec: Any) -> Object:
    held = {
        "ports": list(ports) or [{"port": 3306, "targetPort": 3306, "protocol": "TCP"}],
        "type": "ClusterIP",
        **spec,
    }
    return {"kind": "Service", "metadata": metadata(name, namespace), "spec": held}


def endpoints(name: str = "db", *subsets: Object, namespace: str = "shop", **fields: Any) -> Object:
    return {"kind": "Endpoints", "metadata": metadata(name, namespace, **fields), "subsets": list(subsets)}


def subset(*ready: str, out: tuple[str, ...] = (), ports: tuple[Object, ...] = ({"port": 3306},)) -> Object:
    lists = {"addresses": [{"ip": one} for one in ready], "notReadyAddresses": [{"ip": one} for one in out]}
    return {**{field: listed for field, listed in lists.items() if listed}, "ports": list(ports)}


def endpoint_slice(
    name: str, of: str, *addresses: str, keeper: str = "", namespace: str = "shop", ready: bool = True, **fields: Any
) -> Object:
    labels = {SERVICE: of, **({KEEPER: keeper} if keeper else {})}
    entries = [{"addresses": [one], "conditions": {"ready": ready, "serving": ready}} for one in addresses]
    family = "IPv6" if ":" in "".join(addresses) else "IPv4"
    return {
        "kind": "EndpointSlice",
        "metadata": metadata(name, namespace, labels=labels),
        "addressType": family,
        "endpoints": entries,
        "ports": [{"name": "", "port": 3306, "protocol": "TCP"}],
        **fields,
    }


def lease(name: str, holder: str, *, namespace: str) -> Object:
    """As a daemon has just renewed it; a slow test still finds it so an hour later."""
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 3600, "renewTime": datetime.now(UTC).isoformat()}
    return {"kind": "Lease", "metadata": metadata(name, namespace), "spec": spec}


def metadata(name: str, namespace: str, **fields: Any) -> Object:
    return {"name": name, "namespace": namespace, "resourceVersion": "7", **fields}


PLACES = {
    "Service": "/api/v1/namespaces/{}/services",
    "Endpoints": "/api/v1/namespaces/{}/endpoints",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
}
VERSION = {"major": "1", "minor": "36"}


class ObjectsApi(FakeApi):
    """An API server that holds these objects and answers each GET by its path.

    ``answers`` go before: what a path, without its query, is answered by.
    """

    def __init__(self, *objects: Object, answers: Mapping[str, Answer] | None = None) -> None:
        super().__init__()
        self._objects = objects
        self._by_path = dict(answers or {})

    def answer_to(self, asked: Asked) -> Answer:
        url = urlsplit(asked.line.split()[1])
        if url.path in self._by_path:
            return self._by_path[url.path]
        if url.path == "/version":
            return says(200, VERSION)
        held = {f"{_place(one)}/{one['metadata']['name']}": one for one in self._objects}
        if url.path in held:
            return says(200, held[url.path])
        if url.path in {place.format(name) for name in self._namespaces() for place in PLACES.values()}:
            return says(200, {"metadata": {"resourceVersion": "9"}, "items": self._listed(url.path, url.query)})
        return refuses(404, f"{url.path} not found")

    def _namespaces(self) -> set[str]:
        return {"default", *(one["metadata"]["namespace"] for one in self._objects)}

    def _listed(self, path: str, query: str) -> list[Object]:
        wanted = parse_qs(query).get("labelSelector", [""])[0]
        found = [one for one in self._objects if _place(one) == path]
        return [one for one in found if not wanted or wanted in _labels(one)]


def _place(held: Object) -> str:
    return PLACES[held["kind"]].format(held["metadata"]["namespace"])


def _labels(held: Object) -> set[str]:
    return {f"{name}={value}" for name, value in held["metadata"].get("labels", {}).items()}
