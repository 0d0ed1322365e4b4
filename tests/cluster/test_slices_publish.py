"""``publish``: each mode on a whole cluster, and every change from one to another under an application's logins."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import re
import time
from typing import Any

import pytest

from kube.daemon import ClusterDaemon
from kube.databases import PERIOD, Outside
from kube.full_cluster import Cluster
from kube.login_loop import Steady
from kube.versions import SLICES, Versions, ready_in_slice
from lab.history import Version
from lab.network import inside
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

ENDPOINTS, OWN, BOTH = MODES = ("endpoints", "endpointSlices", "both")
ROUND = (ENDPOINTS, OWN, BOTH, ENDPOINTS, BOTH, OWN, ENDPOINTS)
"""Every change from one to another once."""
MIRROR, US = "endpointslicemirroring-controller.k8s.io", "mooring"


def slices(out: Outside, namespace: str) -> list[dict[str, Any]]:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    found = out.cluster.rest.get(f"{path}?labelSelector=kubernetes.io/service-name={out.kind.service}")
    return list(found["items"])


def keepers(out: Outside, namespace: str) -> set[str]:
    """Who keeps the slices that traffic follows."""
    return {one["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] for one in slices(out, namespace)}


def endpoints(out: Outside, namespace: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = out.cluster.rest.get(f"/api/v1/namespaces/{namespace}/endpoints/{out.kind.service}")
    return found


def settled(out: Outside, namespace: str, mode: str) -> bool:
    """One source of traffic, and an Endpoints that is as the mode has it."""
    found = endpoints(out, namespace)
    if keepers(out, namespace) != ({MIRROR} if mode == ENDPOINTS else {US}):
        return False
    if found is None:
        return mode == OWN
    skips = "endpointslice.kubernetes.io/skip-mirror" in found["metadata"]["labels"]
    return skips is (mode != ENDPOINTS) and bool(found.get("subsets")) is (mode != OWN)


def put(daemon: ClusterDaemon, text: str) -> None:
    """The file as an editor saves it, and until it is used."""
    after = len(daemon.output)
    new = daemon.config.with_suffix(".new")
    new.write_text(text)
    new.replace(daemon.config)
    daemon.wait_log("config.reloaded", after=after)


def mooring(out: Outside, namespace: str, **more: Any) -> ClusterDaemon:
    return ClusterDaemon(out.file(namespace, **more), out.cluster)


def test_six_changes_of_publish_cost_no_login(cluster: Cluster, namespace: str, out: Outside) -> None:
    """An application that logs in every 20 ms notices none of them, and there is one source of traffic after each."""
    cluster_ip = out.make_service(namespace)
    with mooring(out, namespace) as daemon:
        daemon.wait_ready(f"{namespace}/{out.kind.service}", out.addresses, timeout=20)
        out.wait_balanced(namespace, out.addresses)
        with Versions(cluster, namespace, SLICES) as history, Steady(out, cluster_ip) as steady:
            for mode in ROUND[1:]:
                put(daemon, out.file(namespace, publish=mode))
                wait_until(lambda: settled(out, namespace, mode), 15, f"{mode} alone", every=0.05)  # noqa: B023 -- used at once
        assert daemon.logs("service.traffic_warning") == []
    assert set(itertools.pairwise(ROUND)) == set(itertools.permutations(MODES, 2))
    assert len(steady.logins) > 30
    assert steady.lost == []
    assert {login["server"] for login in steady.logins if not login["error"]} == set(out.addresses)
    gaps(history.all(), out.addresses)


def gaps(versions: list[Version], ready: list[str]) -> None:
    """At no revision of etcd was a host without a slice that calls it ready."""
    held: dict[str, set[str]] = {}
    for version in versions:
        held[version.service] = {*ready_in_slice(version)}
        if len(held) > 1 or all(held.values()):
            assert set().union(*held.values()) == set(ready)


@pytest.mark.fault(
    "host",
    "A host dies behind Endpoints, slices, or both",
    "Logins through the ClusterIP reach only the one that lives.",
    within="F x P + T",
)
@pytest.mark.parametrize("mode", MODES)
def test_each_mode_serves_and_drops_a_dead_host(cluster: Cluster, namespace: str, out: Outside, mode: str) -> None:
    """Logins through the ClusterIP reach both hosts, then the one that lives; no slice calls the dead one ready."""
    alive, dead = out.addresses
    cluster_ip = out.make_service(namespace)
    with mooring(out, namespace, publish=mode) as daemon:
        out.wait_balanced(namespace, out.addresses)
        wait_until(lambda: settled(out, namespace, mode), 15, "one source of traffic")
        out.servers[1].kill()
        out.wait_balanced(namespace, [alive])
        wait_until(lambda: out.slices(namespace) == {alive: True, dead: False}, 5, "the slices to say so")
        logins = out.logins(namespace, cluster_ip, 20)
        assert [login.error for login in logins if login.error] == []
        [service] = daemon.status()["services"]
        assert [host["published"] for host in service["hosts"]] == ["ready", "not-ready"]
    if mode != ENDPOINTS:
        own_slices(out, namespace)


def own_slices(out: Outside, namespace: str) -> None:
    """As the documents of EndpointSlices ask for it, and bound to the Service."""
    [one] = slices(out, namespace)
    metadata = one["metadata"]
    uid = out.cluster.rest.get(f"/api/v1/namespaces/{namespace}/services/{out.kind.service}")["metadata"]["uid"]
    assert metadata["name"] == f"{out.kind.service}-mooring-ipv4-0"
    assert [(owner["kind"], owner["uid"]) for owner in metadata["ownerReferences"]] == [("Service", uid)]
    assert one["addressType"] == "IPv4"
    assert all(len(entry["addresses"]) == 1 for entry in one["endpoints"])
    assert all(entry["conditions"].keys() == {"ready", "serving", "terminating"} for entry in one["endpoints"])
    assert metadata["annotations"]["endpoints.kubernetes.io/last-change-trigger-time"].endswith("Z")


def test_slices_go_with_their_service(cluster: Cluster, namespace: str, out: Outside) -> None:
    """A deleted Service takes its slices along; made again, it is served again."""
    out.make_service(namespace)
    path = f"/api/v1/namespaces/{namespace}/services/{out.kind.service}"
    with mooring(out, namespace, publish=OWN):
        out.wait_balanced(namespace, out.addresses)
        cluster.rest.delete(path)
        wait_until(lambda: slices(out, namespace) == [], 20, "the garbage collector", every=0.1)
        out.make_service(namespace)
        wait_until(lambda: keepers(out, namespace) == {US}, 60, "new slices", every=0.1)
        out.wait_balanced(namespace, out.addresses)


def programmed(cluster: Cluster) -> tuple[float, float]:
    """How many changes kube-proxy has timed from their cause to its rules, and their seconds in all."""
    connection = http.client.HTTPConnection("127.0.0.1", 10249, timeout=30)
    with contextlib.closing(connection), inside(cluster.netns):
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    name = "kubeproxy_network_programming_duration_seconds"
    told = (re.findall(rf"^{name}_{kind}{{.*}} (\S+)$", text, re.MULTILINE) for kind in ("count", "sum"))
    count, total = (sum(map(float, families)) for families in told)
    return count, total


def test_kube_proxy_counts_from_the_evidence(cluster: Cluster, namespace: str, out: Outside) -> None:
    """Its own latency metric has the time that the verdict took: it begins at the first probe that went wrong."""
    out.make_service(namespace)
    with mooring(out, namespace, publish=OWN) as daemon, contextlib.ExitStack() as undo:
        out.wait_balanced(namespace, out.addresses)
        time.sleep(2.0)  # for a second after a change kube-proxy holds back the next
        count, seconds = programmed(cluster)
        out.servers[1].freeze()
        undo.callback(out.servers[1].thaw)
        out.wait_balanced(namespace, out.addresses[:1])
        wait_until(lambda: programmed(cluster)[0] > count, 10, "kube-proxy to count it", every=0.1)
        longer = programmed(cluster)[1]
        [left] = daemon.logs("host.not_ready")
    assert left["streak"] == 3
    assert longer - seconds > 2 * PERIOD, "it would be some tens of milliseconds without the verdict"
