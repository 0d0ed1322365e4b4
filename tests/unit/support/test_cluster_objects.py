"""The fake API server that holds objects."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from support.cluster_objects import KEEPER, ObjectsApi, endpoint_slice, endpoints, service, subset
from support.fake_api import refuses


def get(server: ObjectsApi, path: str) -> Any:
    with urllib.request.urlopen(server.url + path, timeout=10) as answer:
        return json.load(answer)


def test_an_object_is_found_by_its_path_and_a_slice_by_its_service() -> None:
    """As at a real API server; what a test says goes before."""
    held = (
        service("db"),
        endpoints("db", subset("10.20.0.11")),
        endpoint_slice("db-x", "db", "10.20.0.11", keeper="me"),
    )
    with ObjectsApi(*held, answers={"/api/v1/namespaces/shop/services/hidden": refuses(403)}) as server:
        assert get(server, "/api/v1/namespaces/shop/services/db")["spec"]["ports"][0]["port"] == 3306
        path = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D"
        assert [one["metadata"]["labels"][KEEPER] for one in get(server, f"{path}db")["items"]] == ["me"]
        assert get(server, f"{path}other")["items"] == []
        for name, code in (("hidden", 403), ("none", 404)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                get(server, f"/api/v1/namespaces/shop/services/{name}")
            assert refused.value.code == code
            refused.value.close()
