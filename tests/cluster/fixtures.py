"""A pytest plugin: the API alone, or a whole cluster, started when the first test asks for it.

    api         etcd and an API server on loopback, no root         (session)   mark the test needs_api
    cluster     all of it, with a node, in namespaces of its own    (session)   mark the test needs_cluster
    image       the name of Mooring's own image, which the cluster's node has   (session)   mark it needs_image too
    namespace   a namespace of Kubernetes for one test, on the cluster if the test has it, else on the API

After each test every part runs again and no host's network has a fault.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kube.api import Api
from kube.full_cluster import Cluster
from lab import images


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    with Api() as started:
        yield started


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with Cluster() as started:
        yield started


@pytest.fixture(scope="session")
def image(cluster: Cluster) -> str:
    cluster.node.load(images.mooring().archive)
    return images.NAME


@pytest.fixture(autouse=True)
def _healed(request: pytest.FixtureRequest) -> Iterator[None]:
    named = [request.getfixturevalue(name) for name in ("api", "cluster") if name in request.fixturenames]
    asked = [one for one in named if isinstance(one, Api)]  # a test may call something else of its own so
    yield
    for started in asked:
        started.heal()


@pytest.fixture
def namespace(request: pytest.FixtureRequest, _healed: None) -> Iterator[str]:
    server: Api = request.getfixturevalue("cluster" if "cluster" in request.fixturenames else "api")
    with server.namespace() as name:
        yield name
