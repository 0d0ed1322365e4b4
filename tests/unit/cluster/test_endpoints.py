"""Writes whose answers a real API server never gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ground.fake_api import FakeApi, says
from ground.values import KEY, PORTS
from mooring.cluster.client import Api, login
from mooring.cluster.endpoints import KubeCluster
from mooring.errors import Conflict, Rejected, Unavailable
from mooring.model import Change, Stored, Subset

ONE = (Subset(("10.20.0.11",), (), PORTS),)
BEFORE = Stored(KEY, "7", managed=True, subsets=())
CHANGES = (Change(KEY, None, ONE), Change(KEY, BEFORE, ONE))


def cluster_of(server: FakeApi, tmp_path: Path) -> KubeCluster:
    return KubeCluster(Api(login("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None)), {KEY.namespace})


@pytest.mark.parametrize("answer", [{}, {"metadata": {}}, {"metadata": []}, {"metadata": {"name": "db"}}])
@pytest.mark.parametrize("change", CHANGES, ids=["create", "update"])
def test_nonsense_says_nothing_of_a_write(tmp_path: Path, change: Change, answer: dict[str, Any]) -> None:
    """An answer that is no stored object: whether the write was stored is not known, and nothing is taken for seen."""
    with FakeApi(says(200, answer)) as server:
        made = cluster_of(server, tmp_path)
        with pytest.raises(Unavailable, match="no stored object"):
            made.apply(change)
        with pytest.raises(Unavailable, match="not answered yet"):
            made.read(KEY)


def test_something_else_is_not_taken_for_the_object(tmp_path: Path) -> None:
    """The answer to a write must be the object that was written."""
    other = {"kind": "Secret", "metadata": {"name": "other", "namespace": KEY.namespace, "resourceVersion": "8"}}
    with FakeApi(says(200, other)) as server, pytest.raises(Rejected, match="Secret"):
        cluster_of(server, tmp_path).apply(CHANGES[1])


@pytest.mark.parametrize("code", [404, 409])
def test_after_a_conflict_it_is_looked_at_anew(tmp_path: Path, code: int) -> None:
    """The next decision is made on what is there now, not on what a watch will say later."""
    with FakeApi(says(code, {}), says(404, {})) as server:
        with pytest.raises(Conflict):
            cluster_of(server, tmp_path).apply(CHANGES[1])
        assert [asked.line.split()[0] for asked in server.asked] == ["PATCH", "GET"]
