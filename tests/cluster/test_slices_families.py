"""Both families through the real kube-proxy: dual-stack Services, and Services of IPv6 alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kube.daemon import ClusterDaemon
from kube.databases import MYSQL, PASSWORD, REDIS, Kind, Outside
from kube.full_cluster import Cluster, six
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

HOSTS = (41, 42)
MODES = ("endpoints", "endpointSlices", "both")


@contextlib.contextmanager
def started(cluster: Cluster, kind: Kind, directory: Path, servers: Sequence[Server]) -> Iterator[Outside]:
    with contextlib.ExitStack() as undo:
        for server in servers:
            undo.callback(server.close)
        made = Outside(cluster, kind, servers, directory)
        made.secret.write_text(f"{PASSWORD}\n")
        start_all(*servers)
        yield made


@pytest.fixture(scope="module")
def caches(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Redis servers that listen at both addresses of their hosts."""
    hosts = [cluster.host(number) for number in HOSTS]
    servers = [
        Redis(netns=host.netns, address=host.address, password=PASSWORD, extra=[f"bind {host.address} {six(host)}"])
        for host in hosts
    ]
    with started(cluster, REDIS, tmp_path_factory.mktemp("secrets"), servers) as made:
        yield made


@pytest.fixture(scope="module")
def databases(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """MariaDB servers that listen at the IPv6 addresses alone."""
    hosts = [cluster.host(number) for number in HOSTS]
    accounts = {MYSQL.user: PASSWORD, MYSQL.prober: PASSWORD}
    servers = [Mariadb(netns=host.netns, address=six(host), accounts=accounts) for host in hosts]
    with started(cluster, MYSQL, tmp_path_factory.mktemp("secrets"), servers) as made:
        yield made


def serve(out: Outside, namespace: str, **spec: Any) -> list[str]:
    """Makes the Service; its ClusterIPs."""
    path = f"/api/v1/namespaces/{namespace}/services"
    return list(out.cluster.rest.create(path, out.manifest(**spec))["spec"]["clusterIPs"])


def balanced(out: Outside, namespace: str) -> tuple[set[str], set[str]]:
    return out.balanced(namespace, "ip"), out.balanced(namespace, "ip6")


def wait_balanced(out: Outside, namespace: str, four: Sequence[str], sixes: Sequence[str]) -> None:
    wait_until(lambda: balanced(out, namespace) == ({*four}, {*sixes}), 60, f"{four} and {sixes}", every=0.05)


def answering(out: Outside, namespace: str, host: str) -> set[str | None]:
    """The servers that forty fresh logins were let in by; None among them where one failed."""
    return {login.server for login in out.logins(namespace, host, 40)}


@pytest.mark.parametrize("publish", MODES)
def test_a_dual_stack_service_serves_by_both(cluster: Cluster, namespace: str, caches: Outside, publish: str) -> None:
    """Logins by either ClusterIP reach both hosts; one that dies leaves both families, by one verdict."""
    four, sixes = caches.addresses, [six(cluster.host(number)) for number in HOSTS]
    bound = [f"{a} {b}" for a, b in zip(four, sixes, strict=True)]
    cluster_ips = serve(caches, namespace, ipFamilies=["IPv4", "IPv6"], ipFamilyPolicy="RequireDualStack")
    assert [":" in one for one in cluster_ips] == [False, True]
    hosts = [{"name": f"cache{n}", "addresses": pair} for n, pair in enumerate(zip(four, sixes, strict=True))]
    with ClusterDaemon(caches.file(namespace, hosts, publish=publish), cluster) as daemon:
        wait_balanced(caches, namespace, four, sixes)
        assert [answering(caches, namespace, one) for one in cluster_ips] == [{*bound}] * 2
        caches.servers[1].kill()
        wait_balanced(caches, namespace, four[:1], sixes[:1])
        assert [answering(caches, namespace, one) for one in cluster_ips] == [{bound[0]}] * 2
        caches.revive()
        wait_balanced(caches, namespace, four, sixes)
        assert daemon.logs("service.traffic_warning") == []


@pytest.mark.parametrize("publish", MODES)
def test_a_service_of_ipv6_alone_is_served(cluster: Cluster, namespace: str, databases: Outside, publish: str) -> None:
    """Hosts that have nothing else are probed, published and reached by IPv6, by address and by the Service's name."""
    [cluster_ip] = serve(databases, namespace, ipFamilies=["IPv6"], ipFamilyPolicy="SingleStack")
    with ClusterDaemon(databases.file(namespace, publish=publish), cluster) as daemon:
        wait_balanced(databases, namespace, [], databases.addresses)
        assert answering(databases, namespace, cluster_ip) == {*databases.addresses}
        assert answering(databases, namespace, databases.kind.service) == {*databases.addresses}
        databases.servers[1].kill()
        wait_balanced(databases, namespace, [], databases.addresses[:1])
        assert answering(databases, namespace, cluster_ip) == {databases.addresses[0]}
        databases.revive()
        wait_balanced(databases, namespace, [], databases.addresses)
        assert daemon.logs("service.traffic_warning") == []


def test_one_that_prefers_two_families_takes_both_up(cluster: Cluster, namespace: str, caches: Outside) -> None:
    """A Service of one family that is given the other at work is served by both, without a restart of anything."""
    four, sixes = caches.addresses, [six(cluster.host(number)) for number in HOSTS]
    serve(caches, namespace)
    hosts = [{"name": f"cache{n}", "addresses": pair} for n, pair in enumerate(zip(four, sixes, strict=True))]
    with ClusterDaemon(caches.file(namespace, hosts, publish="endpointSlices"), cluster) as daemon:
        wait_balanced(caches, namespace, four, [])
        assert {line["address"] for line in daemon.logs("address.left_out")} == {*sixes}
        path = f"/api/v1/namespaces/{namespace}/services/{caches.kind.service}"
        cluster.rest.patch(path, {"spec": {"ipFamilyPolicy": "PreferDualStack"}})
        wait_balanced(caches, namespace, four, sixes)
        [_, second] = cluster.rest.get(path)["spec"]["clusterIPs"]
        assert None not in answering(caches, namespace, second)
