"""``lastResort``: a saturated host gets traffic through the real kube-proxy while no host is ready, and only then."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kube.daemon import ClusterDaemon
from kube.databases import PASSWORD, REDIS, Outside
from kube.full_cluster import Cluster
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

LAST = {"ready": False, "serving": True, "terminating": True}
READY = {"ready": True, "serving": True, "terminating": False}
DOWN = {"ready": False, "serving": False, "terminating": False}
POLICY = {"publish": "endpointSlices", "lastResort": ["saturated"]}


@contextlib.contextmanager
def saturated(server: Redis) -> Iterator[None]:
    """Inside, the server takes no new client."""
    never = Retry(NoBackoff(), 0)
    with redis.Redis(unix_socket_path=str(server.control), password=PASSWORD, retry=never, protocol=2) as client:
        client.config_set("maxclients", 1)
        yield
        client.config_set("maxclients", 1000)


def conditions(out: Outside, namespace: str) -> dict[str, dict[str, bool]]:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    entries = [entry for one in out.cluster.rest.get(path)["items"] for entry in one.get("endpoints") or ()]
    return {entry["addresses"][0]: entry["conditions"] for entry in entries}


def mooring(out: Outside, namespace: str) -> ClusterDaemon:
    block = {"user": REDIS.prober, "passwordFile": str(out.secret)}
    check = {"redis": block, "whenSaturated": "fail", "loginSeconds": 1}
    return ClusterDaemon(out.file(namespace, check=check, **POLICY), out.cluster)


@pytest.mark.fault(
    "host",
    "The only host left is full, with `lastResort: [saturated]`",
    "It serves whom it can take, as not ready.",
    within="with the write that takes the last ready one out",
)
def test_a_saturated_host_serves_only_where_nobody_is_ready(cluster: Cluster, namespace: str, out: Outside) -> None:
    """Beside a ready host it gets nothing; alone it serves whom it can take, while its slice still says not ready."""
    alive, full = out.addresses
    cluster_ip = out.make_service(namespace)
    with mooring(out, namespace) as daemon:
        out.wait_balanced(namespace, out.addresses)
        with saturated(_redis(out, 1)):
            wait_until(lambda: conditions(out, namespace) == {alive: READY, full: LAST}, 15, "a last resort")
            out.wait_balanced(namespace, [alive])
            assert {login.server for login in out.logins(namespace, cluster_ip, 20)} == {alive}
            assert [host["published"] for host in daemon.status()["services"][0]["hosts"]] == ["ready", "last-resort"]
            out.servers[0].kill()
            wait_until(lambda: conditions(out, namespace) == {alive: DOWN, full: LAST}, 15, f"{alive} to leave")
            out.wait_balanced(namespace, [full])
            os.kill(daemon.pid, signal.SIGSTOP)
        [login] = out.logins(namespace, cluster_ip, 1)
        assert (login.server, conditions(out, namespace)[full]) == (full, LAST)
        os.kill(daemon.pid, signal.SIGCONT)
        wait_until(lambda: conditions(out, namespace)[full] == READY, 15, f"{full} to be ready again")


@pytest.mark.fault("host", "A last resort dies", "It serves no more.", within="F x P + T")
def test_a_dead_host_is_none(cluster: Cluster, namespace: str, out: Outside) -> None:
    """A last resort that dies is one no more, though it was saturated before; nobody is left then."""
    cluster_ip = out.make_service(namespace)
    with mooring(out, namespace):
        out.wait_balanced(namespace, out.addresses)
        with contextlib.suppress(redis.RedisError), saturated(_redis(out, 0)), saturated(_redis(out, 1)):
            wait_until(lambda: set(map(str, conditions(out, namespace).values())) == {str(LAST)}, 15, "two of them")
            out.wait_balanced(namespace, out.addresses)
            for server in out.servers:
                server.kill()
            wait_until(lambda: set(map(str, conditions(out, namespace).values())) == {str(DOWN)}, 15, "both to be down")
        out.wait_balanced(namespace, [])
        assert out.logins(namespace, cluster_ip, 1)[0].error


def _redis(out: Outside, number: int) -> Redis:
    server = out.servers[number]
    assert isinstance(server, Redis)
    return server
