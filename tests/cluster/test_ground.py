"""The whole cluster: Services reach real databases outside, and nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube import build
from kube.full_cluster import Cluster
from lab import leftovers
from lab.process import start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

USER, PASSWORD = "app", "letmein"
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: mysql-external}
spec: {ports: [{name: mysql, port: 3366, targetPort: 3306}, {name: redis, port: 6400, targetPort: 6379}]}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: idle}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: idle, image: "localhost/pause:1", imagePullPolicy: Never}]
"""
NAME = "mysql-external"
CRASH = """
import os, sys, time
from kube.full_cluster import Cluster
with Cluster() as cluster, cluster.namespace() as namespace:
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=sys.argv[1])
    cluster.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/idle", "--timeout=300s")
    print(cluster.directory, cluster.netns, cluster.node.group, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def databases(cluster: Cluster) -> Iterator[list[str]]:
    """MariaDB and Redis on two hosts; their addresses."""
    hosts = [cluster.host(number) for number in (1, 2)]
    accounts = {USER: PASSWORD}
    servers = [
        server
        for host in hosts
        for server in (
            Mariadb(netns=host.netns, address=host.address, accounts=accounts),
            Redis(netns=host.netns, address=host.address, accounts=accounts),
        )
    ]
    try:
        start_all(*servers)
        yield [host.address for host in hosts]
    finally:
        for server in servers:
            server.close()


def publish(cluster: Cluster, namespace: str, address: str) -> None:
    """As somebody would by hand."""
    path = f"/api/v1/namespaces/{namespace}/endpoints"
    ports = [{"name": "mysql", "port": 3306}, {"name": "redis", "port": 6379}]
    body = {"metadata": {"name": NAME}, "subsets": [{"addresses": [{"ip": address}], "ports": ports}]}
    if cluster.rest.get(f"{path}/{NAME}"):
        cluster.rest.patch(f"{path}/{NAME}", body)
    else:
        cluster.rest.create(path, body)


def served_by(cluster: Cluster, namespace: str, host: str, protocol: str = "mysql", port: int = 3366) -> str:
    """The address of the server that one login came to, or why there was none."""
    [login] = cluster.application.logins(protocol, host, port, user=USER, password=PASSWORD, namespace=namespace)
    return login.server or str(login.error)


def moves_to(cluster: Cluster, namespace: str, address: str) -> None:
    wait_until(lambda: served_by(cluster, namespace, NAME) == address, 10, f"logins to come to {address}")


def test_logins_by_address_and_by_name(cluster: Cluster, namespace: str, databases: list[str]) -> None:
    """A selector-less Service with Endpoints made by hand leads to a real database, by its ClusterIP and its names."""
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=SERVICE)
    publish(cluster, namespace, databases[0])
    moves_to(cluster, namespace, databases[0])
    path = f"/api/v1/namespaces/{namespace}/services/{NAME}"
    address = cluster.rest.get(path)["spec"]["clusterIP"]
    full = f"{NAME}.{namespace}.svc.cluster.local"
    assert cluster.application.resolve(full) == [address]
    for host in (address, NAME, f"{NAME}.{namespace}", full):
        assert served_by(cluster, namespace, host) == databases[0]
    assert served_by(cluster, namespace, NAME, "redis", 6400) == databases[0]
    [refused] = cluster.application.logins("mysql", address, 3366, user=USER, password="wrong")
    assert "1045" in str(refused.error)


def test_changed_endpoints_move_traffic(cluster: Cluster, namespace: str, databases: list[str]) -> None:
    """After a patch of the Endpoints fresh logins come to the other host, every one of them."""
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=SERVICE)
    for address in (*databases, databases[0]):
        publish(cluster, namespace, address)
        moves_to(cluster, namespace, address)
    logins = cluster.application.logins(
        "mysql", NAME, 3366, user=USER, password=PASSWORD, count=20, namespace=namespace
    )
    assert {login.server for login in logins} == {databases[0]}


def test_frozen_api_server_stops_no_traffic(cluster: Cluster, namespace: str, databases: list[str]) -> None:
    """Traffic goes where it went while the API server is frozen; thawed, it follows the Endpoints again."""
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=SERVICE)
    publish(cluster, namespace, databases[0])
    moves_to(cluster, namespace, databases[0])
    cluster.server.freeze()
    with pytest.raises(TimeoutError):
        cluster.rest.ask("GET", "/readyz", timeout=0.5)
    assert served_by(cluster, namespace, NAME) == databases[0]
    cluster.server.thaw()
    publish(cluster, namespace, databases[1])
    moves_to(cluster, namespace, databases[1])


def test_control_plane_comes_back(cluster: Cluster, namespace: str, databases: list[str]) -> None:
    """After etcd, API server and controller manager were killed, Endpoints move traffic again."""
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=SERVICE)
    for part in (cluster.manager, cluster.server, cluster.etcd):
        part.kill()
    cluster.heal()
    publish(cluster, namespace, databases[1])
    moves_to(cluster, namespace, databases[1])


def test_a_host_can_be_hurt_and_healed(cluster: Cluster, namespace: str, databases: list[str]) -> None:
    """A fault of a host's network is what an application gets to see, and is gone once healed."""
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=SERVICE)
    publish(cluster, namespace, databases[0])
    moves_to(cluster, namespace, databases[0])
    host = cluster.host(1)
    host.reject("tcp-reset")
    assert "refused" in served_by(cluster, namespace, NAME)
    host.heal()
    host.slow(0.1)
    [login] = cluster.application.logins("mysql", NAME, 3366, user=USER, password=PASSWORD, namespace=namespace)
    assert login.server == databases[0]
    assert login.seconds > 0.6  # three answers, each 0.1 s there and 0.1 s back
    cluster.heal()
    assert served_by(cluster, namespace, NAME) == databases[0]


def test_pods_run(cluster: Cluster, namespace: str) -> None:
    """The node runs pods of images that it was given."""
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=POD)
    cluster.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/idle", "--timeout=300s")


def traces(directory: str, netns: str, group: str) -> list[str]:
    """What is there of a cluster: processes, folders, namespaces, control groups, mounts."""
    places = [Path(directory), Path("/run/netns") / netns, *(root / group for root in leftovers.hierarchies())]
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if directory in line or netns in line]
    running = [f"process {pid}" for pid in leftovers.inside(Path(directory))]
    return [str(place) for place in places if place.exists()] + mounts + running


def members(group: str) -> list[int]:
    """The processes of its pods."""
    listed = [path for root in leftovers.hierarchies() for path in (root / group).rglob("cgroup.procs")]
    return [int(pid) for path in listed for pid in path.read_text().split()]


def test_a_killed_owner_leaves_nothing_for_ever(tmp_path: Path) -> None:
    """When the process that owns a cluster with a running pod is killed, the next run removes all of it."""
    path = str(Path(build.__file__).parents[1])
    owner = subprocess.Popen(
        [sys.executable, "-c", CRASH, POD], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        directory, netns, group = owner.stdout.readline().split()
        assert not {netns, group} & set(leftovers.sweep()), "nothing is removed while its owner lives"
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
    pods = members(group)
    assert len(traces(directory, netns, group)) > 10
    leftovers.sweep()
    assert traces(directory, netns, group) == []
    assert pods
    assert not [pid for pid in pods if leftovers._started(pid)]


def test_an_ended_cluster_leaves_nothing() -> None:
    """A cluster that ends takes everything along."""
    with Cluster() as other:
        what = str(other.directory), str(other.netns), other.node.group
        assert len(traces(*what)) > 10
    assert traces(*what) == []
