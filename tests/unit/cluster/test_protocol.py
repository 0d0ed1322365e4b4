"""Every kind of cluster keeps to one protocol."""

from __future__ import annotations

import inspect

import pytest

from mooring.cluster.dry import DryCluster
from mooring.cluster.endpoints import KubeCluster
from mooring.cluster.local import LocalCluster
from mooring.cluster.protocol import Cluster

METHODS = [name for name, held in vars(Cluster).items() if inspect.isfunction(held) and not name.startswith("_")]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", [KubeCluster, LocalCluster, DryCluster], ids=lambda kind: kind.__name__)
def test_a_cluster_takes_what_the_protocol_says(kind: type, name: str) -> None:
    """So a folder, a dry run and a real cluster can stand for each other: same methods, same arguments in order."""
    expected = list(inspect.signature(getattr(Cluster, name)).parameters)
    assert list(inspect.signature(getattr(kind, name)).parameters) == expected
