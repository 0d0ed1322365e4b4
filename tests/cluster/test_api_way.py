"""The way to the API dies without a word: what stands is forgotten on the way, and what is new passes.

As a firewall or a load balancer does it that forgets its flows. The daemon is on a machine of its own.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from kube.daemon import ClusterDaemon
from kube.databases import REDIS, Outside, outside
from kube.full_cluster import Cluster
from lab.history import addresses
from lab.network import Host, inside
from lab.waiting import happens, wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

NOTICED_SECONDS = 10.0
CALL_SECONDS = 5.0
SLACK = 15.0
"""What a busy machine may add."""
GRACE_SECONDS = 10.0
"""What the mirroring controller may take until Mooring says that it does nothing."""


@pytest.fixture(scope="module")
def out(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside(cluster, tmp_path_factory.mktemp("secrets"), REDIS) as [made]:
        yield made


@pytest.fixture
def machine(cluster: Cluster) -> Host:
    return cluster.host(3)


@pytest.fixture
def daemon(cluster: Cluster, namespace: str, out: Outside, machine: Host) -> Iterator[ClusterDaemon]:
    """It publishes both hosts, and its watches stand."""
    out.make_service(namespace)
    made = ClusterDaemon(out.file(namespace), cluster)
    made.netns = machine.netns
    with made:
        out.wait_balanced(namespace, out.addresses)
        wait_until(lambda: out.slices(namespace) == dict.fromkeys(out.addresses, True), 15, "both in the slices")
        yield made
    out.revive()


def forget(machine: Host, port: int) -> set[str]:
    """All packets of the connections that stand to that port vanish, both ways. Returns the near ports of these."""
    with inside(machine.netns):
        said = subprocess.run(["ss", "-Htn", "dport", "=", f":{port}"], capture_output=True, text=True, check=True)
    near = set(re.findall(r"\S+:(\d+)\s+\S+:\d+\s*$", said.stdout, re.MULTILINE))
    held = ", ".join(sorted(near))
    machine.nft(
        "table inet ground {\n"
        f" chain input {{ type filter hook input priority 0; tcp sport {port} tcp dport {{ {held} }} drop; }}\n"
        f" chain output {{ type filter hook output priority 0; tcp dport {port} tcp sport {{ {held} }} drop; }}\n}}"
    )
    return near


def drain(out: Outside, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/services/{out.kind.service}"
    out.cluster.rest.patch(path, {"metadata": {"annotations": {"mooring/drain": out.addresses[1]}}})


def remove_by_hand(out: Outside, namespace: str) -> None:
    """Somebody takes the first host out."""
    port = {"name": out.kind.protocol, "port": out.kind.target}
    subset = {"addresses": [{"ip": out.addresses[1]}], "ports": [port]}
    path = f"/api/v1/namespaces/{namespace}/endpoints/{out.kind.service}?fieldManager=kubectl-edit"
    out.cluster.rest.patch(path, {"subsets": [subset]})


def stored(out: Outside, namespace: str) -> list[str]:
    path = f"/api/v1/namespaces/{namespace}/endpoints/{out.kind.service}"
    return addresses(out.cluster.rest.get(path), "addresses")


def assert_no_warning(out: Outside, namespace: str, daemon: ClusterDaemon) -> None:
    """Nor later, when a silent watch would have been taken for a controller that does nothing."""
    assert not happens(lambda: daemon.logs("service.traffic_warning"), GRACE_SECONDS + 2)
    found = out.cluster.rest.get(f"/api/v1/namespaces/{namespace}/events")["items"]
    assert [one for one in found if one["reason"] == "NotMirrored"] == []


@pytest.mark.fault(
    "api", "The connection of a watch dies without a word", "A drain is acted on, and an edit repaired.", within="10 s"
)
@pytest.mark.parametrize("edit", [drain, remove_by_hand])
def test_what_others_write_is_noticed_though_the_watch_is_dead(
    namespace: str, out: Outside, machine: Host, daemon: ClusterDaemon, edit: Callable[..., None]
) -> None:
    """A drain is acted on, and a foreign edit repaired, within ten seconds."""
    assert len(forget(machine, out.cluster.port)) >= 2, "a watch of each kind"
    edit(out, namespace)
    since = time.monotonic()
    wanted = out.addresses[:1] if edit is drain else out.addresses
    wait_until(lambda: stored(out, namespace) == wanted, 60, "Mooring to notice", every=0.05)
    assert time.monotonic() - since < NOTICED_SECONDS + SLACK
    assert daemon.logs("service.traffic_warning") == []


@pytest.mark.fault(
    "api",
    "The connection of a write dies without a word",
    "The call ends, and the next one passes.",
    within="one call, 5 s",
)
def test_a_fresh_verdict_is_stored_within_one_call(
    namespace: str, out: Outside, machine: Host, daemon: ClusterDaemon
) -> None:
    """The call over the dead connection ends, and the next one passes; nobody is accused of not mirroring."""
    forget(machine, out.cluster.port)
    out.servers[1].kill()
    daemon.wait_log("host.not_ready")
    since = time.monotonic()
    wait_until(lambda: stored(out, namespace) == out.addresses[:1], 60, "the verdict to be stored", every=0.05)
    assert time.monotonic() - since < CALL_SECONDS + SLACK
    assert_no_warning(out, namespace, daemon)
