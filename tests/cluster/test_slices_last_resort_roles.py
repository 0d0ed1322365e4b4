"""``lastResort`` for what roles tell: lagging replicas and desynced nodes serve through the real kube-proxy, if nobody
else can.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kube.daemon import ClusterDaemon
from kube.databases import MYSQL, PASSWORD, Outside
from kube.full_cluster import Cluster
from lab.servers import Mariadb
from lab.topologies.galera import Galera
from lab.topologies.replication import Replication
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

LAST = {"ready": False, "serving": True, "terminating": True}
READY = {"ready": True, "serving": True, "terminating": False}
DOWN = {"ready": False, "serving": False, "terminating": False}


def reading(cluster: Cluster, servers: Sequence[Mariadb], directory: Path) -> Outside:
    made = Outside(cluster, MYSQL, servers, directory)
    made.secret.write_text(f"{PASSWORD}\n")
    return made


@contextlib.contextmanager
def mooring(out: Outside, namespace: str, *reasons: str, **block: Any) -> Iterator[ClusterDaemon]:
    asked = {"user": MYSQL.prober, "passwordFile": str(out.secret), "role": "replica", **block}
    file = out.file(namespace, publish="endpointSlices", lastResort=reasons, check={"mysql": asked})
    with ClusterDaemon(file, out.cluster) as daemon:
        out.wait_balanced(namespace, out.addresses)
        yield daemon


def conditions(out: Outside, namespace: str) -> list[dict[str, bool]]:
    """Of each address, in the order of the file."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    entries = [entry for one in out.cluster.rest.get(path)["items"] for entry in one.get("endpoints") or ()]
    found = {entry["addresses"][0]: entry["conditions"] for entry in entries}
    return [found[address] for address in out.addresses]


def serves(out: Outside, namespace: str, host: str, wanted: list[dict[str, bool]], by: Sequence[str]) -> None:
    """Waits until the slice says so, and kube-proxy follows; then all fresh logins are let in by these."""
    wait_until(lambda: conditions(out, namespace) == wanted, 25, str(wanted), every=0.1)
    out.wait_balanced(namespace, by)
    assert {login.server for login in out.logins(namespace, host, 30)} == {*by}


def behind(daemon: ClusterDaemon, reason: str) -> Callable[[], bool]:
    return lambda: {host["reason"] for host in daemon.status()["services"][0]["hosts"]} == {reason}


def test_lagging_replicas_serve_when_all_lag(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """One that lags gets nothing beside one that does not; both lagging get all; one that died gets nothing again."""
    places = [cluster.host(number) for number in (51, 52, 53)]
    with Replication(places) as replication, contextlib.ExitStack() as stalls:
        out = reading(cluster, replication.replicas, tmp_path)
        one, two = out.addresses
        cluster_ip = out.make_service(namespace)
        with mooring(out, namespace, "lagging", maxReplicationLagSeconds=2) as daemon:
            stalls.enter_context(replication.stalled(replication.replicas[1]))
            replication.primary.run("INSERT INTO app.written VALUES (1)")
            serves(out, namespace, cluster_ip, [READY, LAST], [one])
            with replication.stalled(replication.replicas[0]):
                replication.primary.run("INSERT INTO app.written VALUES (2)")
                serves(out, namespace, cluster_ip, [LAST, LAST], [one, two])
                wait_until(behind(daemon, "lagging"), 10, "the status to say so")
                assert [host["published"] for host in daemon.status()["services"][0]["hosts"]] == ["last-resort"] * 2
            serves(out, namespace, cluster_ip, [READY, LAST], [one])
            replication.replicas[0].kill()
            serves(out, namespace, cluster_ip, [DOWN, LAST], [two])
            stalls.close()
            serves(out, namespace, cluster_ip, [DOWN, READY], [two])


@pytest.mark.needs_galera
def test_desynced_nodes_serve_when_none_is_synced(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """Nodes that are `not-synced` get traffic only while no other is ready."""
    places = [cluster.host(number) for number in (54, 55)]
    with Galera(places) as galera:
        out = reading(cluster, galera.servers, tmp_path)
        one, two = out.addresses
        cluster_ip = out.make_service(namespace)
        with mooring(out, namespace, "not-synced") as daemon:
            galera.desync(galera.servers[1])
            serves(out, namespace, cluster_ip, [READY, LAST], [one])
            galera.desync(galera.servers[0])
            serves(out, namespace, cluster_ip, [LAST, LAST], [one, two])
            wait_until(behind(daemon, "not-synced"), 10, "the status to say so")
            galera.servers[0].sql("SET GLOBAL wsrep_desync=OFF")
            serves(out, namespace, cluster_ip, [READY, LAST], [one])
