"""Fixtures of more than one module: Services of two Redis on an API server, and Redis outside a whole cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kube.api import Api
from kube.databases import REDIS, Outside, outside
from kube.full_cluster import Cluster
from kube.redis_services import Stage, redis_servers
from kube.versions import Versions
from lab.servers import Redis


@pytest.fixture(scope="module")
def redis() -> Iterator[list[Redis]]:
    """Two that a module shares: its tests leave both running."""
    with redis_servers(2) as servers:
        yield servers


@pytest.fixture
def stage(api: Api, namespace: str) -> Stage:
    """A namespace with the Service ``db``."""
    made = Stage(api, namespace)
    made.serve("db")
    return made


@pytest.fixture
def history(stage: Stage) -> Iterator[Versions]:
    """Every version that is stored in the namespace, none missed."""
    with Versions(stage.api, stage.namespace) as found:
        yield found
    assert found.missed == 0


@pytest.fixture(scope="module")
def redis_outside(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside(cluster, tmp_path_factory.mktemp("secrets"), REDIS) as [made]:
        yield made


@pytest.fixture
def out(redis_outside: Outside) -> Iterator[Outside]:
    """Two real Redis outside the cluster; what a test killed or froze is back afterwards."""
    yield redis_outside
    redis_outside.revive()
