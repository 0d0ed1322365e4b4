"""Writes whose answers a real API server never gives."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lab.values import KEY, PORTS
from mooring.cluster.client import Api, client_factory
from mooring.cluster.endpoints import KubeCluster
from mooring.model.errors import Conflict, Rejected, Unavailable
from mooring.model.objects import EndpointsWrite, Slice, SliceWrite, StoredEndpoints, StoredSlice, Subset
from support.fake_api import FakeApi, refuses, says

ONE = (Subset(("10.20.0.11",), (), PORTS),)
BEFORE = StoredEndpoints(KEY, "7", managed=True, subsets=())
CHANGES = (EndpointsWrite(KEY, None, ONE), EndpointsWrite(KEY, BEFORE, ONE))
SLICE = Slice("db-mooring-ipv4", "IPv4", (), PORTS)
HELD = StoredSlice("7", "mooring", SLICE)
SLICE_CHANGES = (SliceWrite(KEY, None, SLICE), SliceWrite(KEY, HELD, SLICE), SliceWrite(KEY, HELD, None))


def cluster_of(server: FakeApi, tmp_path: Path) -> KubeCluster:
    return KubeCluster(
        Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None)), {KEY.namespace}
    )


@pytest.mark.parametrize("answer", [{}, {"metadata": {}}, {"metadata": []}, {"metadata": {"name": "db"}}])
@pytest.mark.parametrize("change", CHANGES, ids=["create", "update"])
def test_nonsense_says_nothing_of_a_write(tmp_path: Path, change: EndpointsWrite, answer: dict[str, Any]) -> None:
    """An answer that is no stored object: whether the write was stored is not known, and nothing is taken for seen."""
    with FakeApi(says(200, answer)) as server:
        made = cluster_of(server, tmp_path)
        with pytest.raises(Unavailable, match="no stored object"):
            made.apply(change)
        with pytest.raises(Unavailable, match="not answered yet"):
            made.read(KEY)


def test_something_else_is_not_taken_for_the_object(tmp_path: Path) -> None:
    """The answer to a write must be the object that was written."""
    other = {"kind": "Secret", "metadata": {"name": KEY.name, "namespace": KEY.namespace, "resourceVersion": "8"}}
    with FakeApi(says(200, other)) as server, pytest.raises(Rejected, match="Secret"):
        cluster_of(server, tmp_path).apply(CHANGES[1])


@pytest.mark.parametrize("code", [404, 409])
def test_after_a_conflict_it_is_looked_at_anew(tmp_path: Path, code: int) -> None:
    """The next decision is made on what is there now, not on what a watch will say later."""
    with FakeApi(refuses(code), refuses(404)) as server:
        with pytest.raises(Conflict):
            cluster_of(server, tmp_path).apply(CHANGES[1])
        assert [asked.line.split()[0] for asked in server.asked] == ["PATCH", "GET"]


@pytest.mark.parametrize("change", [*CHANGES, *SLICE_CHANGES], ids=str)
def test_a_write_sends_nothing_after_its_moment(tmp_path: Path, change: EndpointsWrite | SliceWrite) -> None:
    """Whoever slept through its lease writes no object, whatever the write: neither a call before it nor it itself."""
    with FakeApi(says(200, {})) as server:
        cluster = cluster_of(server, tmp_path)
        with pytest.raises(Unavailable, match="within its deadline"):
            write(cluster, change, until=time.monotonic())
        assert server.asked == []


def write(cluster: KubeCluster, change: EndpointsWrite | SliceWrite, until: float) -> None:
    if isinstance(change, EndpointsWrite):
        cluster.apply(change, until)
    else:
        cluster.apply_slice(change, until)
