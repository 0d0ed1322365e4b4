"""One Service and its objects as a command reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.cluster.client import Api, client_factory
from mooring.cluster.snapshot import Snapshot, snapshot
from mooring.model.errors import Rejected, Unavailable
from mooring.model.spec import ServiceKey
from support.cluster_objects import ObjectsApi, endpoint_slice, endpoints, service, subset
from support.fake_api import FakeApi, refuses, says

KEY = ServiceKey("shop", "db")
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"


def read(server: FakeApi, tmp_path: Path) -> Snapshot:
    return snapshot(Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None)), KEY)


def test_a_service_with_all_its_objects(tmp_path: Path) -> None:
    """Its ports, its Endpoints, its slices, and no slice of another Service."""
    held = (
        service(),
        endpoints("db", subset("10.20.0.11", out=("10.20.0.12",))),
        endpoint_slice("db-1", "db", "10.20.0.11"),
        endpoint_slice("other-1", "other", "10.20.0.13"),
    )
    with ObjectsApi(*held) as server:
        found = read(server, tmp_path)
    assert found.service is not None
    assert [port.port for port in found.service.ports] == [3306]
    assert found.stored.ready == {"10.20.0.11"}
    assert found.stored.not_ready == {"10.20.0.12"}
    assert [one.slice.name for one in found.stored.slices] == ["db-1"]


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    """No error: whoever asked says what it means."""
    with ObjectsApi(service("other")) as server:
        found = read(server, tmp_path)
    assert found.service is None
    assert found.stored.endpoints is None
    assert found.stored.slices == ()


def test_slices_that_may_not_be_read_are_hidden(tmp_path: Path) -> None:
    """The account of older Roles reads none."""
    with ObjectsApi(service(), answers={SLICES: refuses(403)}) as server:
        assert read(server, tmp_path).stored.hidden


def test_a_service_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    """It is not taken for missing."""
    with FakeApi(refuses(403)) as server, pytest.raises(Rejected, match="said so"):
        read(server, tmp_path)


@pytest.mark.parametrize(
    "answer", [{}, {"metadata": {"name": "db", "resourceVersion": "7"}, "spec": {"ports": [3]}}, {"metadata": []}]
)
def test_nonsense_is_no_service(tmp_path: Path, answer: object) -> None:
    """Something in front of an API server answers so."""
    with FakeApi(says(200, answer)) as server, pytest.raises(Unavailable):
        read(server, tmp_path)
