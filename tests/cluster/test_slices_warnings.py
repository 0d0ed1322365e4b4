"""What is in the way of traffic: no mirroring controller, slices that a former selector left."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from kube.daemon import ClusterDaemon
from kube.databases import REDIS, Outside, outside
from kube.full_cluster import Cluster
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

WITHOUT_MIRRORING = "--controllers=*,-endpointslice-mirroring-controller"
GRACE = 10.0


@pytest.fixture(scope="module")
def out(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside(cluster, tmp_path_factory.mktemp("secrets"), REDIS) as [made]:
        yield made


def mooring(out: Outside, namespace: str, publish: str) -> ClusterDaemon:
    return ClusterDaemon(out.file(namespace, publish=publish), out.cluster)


def described(out: Outside, namespace: str) -> str:
    return out.cluster.kubectl("-n", namespace, "describe", "service", out.kind.service)


def hindrance(daemon: ClusterDaemon) -> str:
    """What the status says of the Service; empty where nothing is in the way."""
    try:
        return str(daemon.status()["services"][0]["error"] or "")
    except OSError:
        return "no answer yet"


def warnings(daemon: ClusterDaemon) -> list[str]:
    """The kinds that a scrape shows."""
    text = daemon.get("/metrics")[1].decode()
    return re.findall(r'^mooring_service_traffic_warning{.*kind="(\w+)"} 1$', text, re.MULTILINE)


@pytest.mark.fault(
    "objects", "No controller mirrors the Endpoints", "Reported once, where somebody looks.", within="10 s"
)
def test_without_a_mirroring_controller(cluster: Cluster, namespace: str, out: Outside) -> None:
    """Own slices serve all the same; an Endpoints that nobody mirrors is told, once, where somebody looks."""
    cluster.manager.restart(WITHOUT_MIRRORING)
    cluster_ip = out.make_service(namespace)
    with mooring(out, namespace, "endpoints") as daemon:
        why = daemon.wait_log("service.traffic_warning", timeout=GRACE + 15)["why"]
        assert "no EndpointSlice mirrors the present Endpoints" in why
        assert out.balanced(namespace) == set()
        wait_until(lambda: "NotMirrored" in described(out, namespace), 10, "the Event", every=0.2)
        assert daemon.status()["services"][0]["error"] == why
        assert warnings(daemon) == ["NotMirrored"]
        assert len(daemon.logs("service.traffic_warning")) == 1
    for publish in ("both", "endpointSlices"):
        with mooring(out, namespace, publish) as daemon:
            wait_until(lambda: not hindrance(daemon), 20, "nothing to hinder it", every=0.05)
            out.wait_balanced(namespace, out.addresses)
            assert [login.error for login in out.logins(namespace, cluster_ip, 5)] == [None] * 5
            assert warnings(daemon) == []
    with mooring(out, namespace, "endpoints") as daemon:
        daemon.wait_log("endpoints.written", timeout=20)
        daemon.wait_log("service.traffic_warning", timeout=GRACE + 15)
        assert out.balanced(namespace) == set(out.addresses), "own slices must serve until somebody mirrors"
        cluster.manager.restart()
        daemon.wait_log("slice.deleted", timeout=30)
        wait_until(lambda: not hindrance(daemon), 10, "the error to go")
        out.wait_balanced(namespace, out.addresses)


@pytest.mark.fault(
    "objects", "A slice of a former selector still carries traffic", "It is named until it is deleted.", within="10 s"
)
@pytest.mark.parametrize("publish", ["endpoints", "endpointSlices", "both"])
def test_what_a_former_selector_left_is_found(cluster: Cluster, namespace: str, out: Outside, publish: str) -> None:
    """A slice of the selector's controller that is still there carries traffic: it is named, until it is deleted."""
    out.make_service(namespace)
    left = {
        "metadata": {
            "name": "sessions-x7k2p",
            "labels": {
                "kubernetes.io/service-name": out.kind.service,
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.244.0.7"]}],
        "ports": [{"name": out.kind.protocol, "port": out.kind.target}],
    }
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    cluster.rest.create(path, left)
    with mooring(out, namespace, publish) as daemon:
        why = daemon.wait_log("service.traffic_warning", timeout=20)["why"]
        assert "sessions-x7k2p (kept by endpointslice-controller.k8s.io)" in why
        wait_until(lambda: "ForeignSlices" in described(out, namespace), 10, "the Event", every=0.2)
        cluster.rest.delete(f"{path}/sessions-x7k2p")
        out.wait_balanced(namespace, out.addresses)
        wait_until(lambda: not hindrance(daemon), 10, "the error to go")
