"""A database that moves, on a whole cluster: an application that logs in all the time loses no login.

Old and new server are sound all the while. The file changes the address of a Service's only host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from kube.daemon import ClusterDaemon
from kube.databases import REDIS, Outside, outside
from kube.full_cluster import Cluster
from kube.login_loop import Steady
from kube.versions import SLICES, Versions, ready_in_slice
from lab.configuration import file
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

MODES = ("endpoints", "endpointSlices", "both")


@pytest.fixture(scope="module")
def out(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside(cluster, tmp_path_factory.mktemp("secrets"), REDIS) as [made]:
        yield made


def named(address: str) -> list[Any]:
    """The same host elsewhere."""
    return [{"name": "db1", "address": address}]


def replaced(address: str) -> list[Any]:
    """Another host, so all hosts of the Service at once."""
    return [address]


def text(out: Outside, namespace: str, hosts: Sequence[Any], mode: str) -> str:
    return file(out.service(hosts, namespace=namespace, publish=mode), period=2, timeout=1)


def put(daemon: ClusterDaemon, text: str) -> None:
    after = len(daemon.output)
    new = daemon.config.with_suffix(".new")
    new.write_text(text)
    new.replace(daemon.config)
    daemon.wait_log("config.reloaded", after=after)


def wait_moved(out: Outside, namespace: str, address: str) -> None:
    """All traffic goes there, and the old address is gone."""
    out.wait_balanced(namespace, [address])
    wait_until(lambda: out.slices(namespace) == {address: True}, 15, "the old address to be gone", every=0.05)


@pytest.mark.parametrize("mode", MODES)
def test_a_database_that_moves_costs_no_login(cluster: Cluster, namespace: str, out: Outside, mode: str) -> None:
    """Four moves, of a named host and of all hosts at once, at the period that is the default."""
    there, elsewhere = out.addresses
    cluster_ip = out.make_service(namespace)
    with ClusterDaemon(text(out, namespace, named(there), mode), cluster) as daemon:
        out.wait_balanced(namespace, [there])
        with Versions(cluster, namespace, SLICES) as history, Steady(out, cluster_ip) as steady:
            for hosts in (named(elsewhere), named(there), replaced(elsewhere), replaced(there)):
                put(daemon, text(out, namespace, hosts, mode))
                wait_moved(out, namespace, elsewhere if elsewhere in str(hosts) else there)
    stored = [ready_in_slice(version) for version in history.all()]
    assert all(stored), "a slice of the Service was without a ready address"
    assert len(steady.logins) > 30
    assert steady.lost == [], [(version.seen, ready) for version, ready in zip(history.all(), stored, strict=True)]
    assert {login["server"] for login in steady.logins if not login["error"]} == set(out.addresses)
