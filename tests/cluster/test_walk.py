"""The promise: an application logs in by ClusterIP and by name, and goes on when a host dies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.commands import command
from cluster.following import Following
from kube.daemon import ClusterDaemon
from kube.databases import MYSQL, PERIOD, REDIS, Kind, Outside, outside
from kube.full_cluster import Cluster
from kube.versions import Versions
from lab import configuration
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

FAILURES, SUCCESSES = 3, 2  # the defaults of the thresholds
MARGIN = 8.0
"""Seconds more than are promised: here two processors carry all of Kubernetes beside the databases."""
NOBODY = "10.77.0.99"
PATIENCE = 5.0
"""For a command that probes once: time enough for a busy machine to log in."""
RULES = (
    {"apiGroups": [""], "resources": ["services", "endpoints"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
)
"""All that the daemon may do here, in the namespace of the Service."""


@pytest.fixture(scope="module")
def databases(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Kind, Outside]]:
    with outside(cluster, tmp_path_factory.mktemp("secrets"), MYSQL, REDIS) as made:
        yield {one.kind: one for one in made}


@pytest.fixture(params=[MYSQL], ids=lambda kind: kind.protocol)
def out(request: pytest.FixtureRequest, databases: dict[Kind, Outside]) -> Iterator[Outside]:
    """Two servers that run, also for the next test."""
    found = databases[request.param]
    yield found
    found.revive()


both_kinds = pytest.mark.parametrize("out", [MYSQL, REDIS], ids=lambda kind: kind.protocol, indirect=True)


def mooring(out: Outside, namespace: str, **more: Any) -> ClusterDaemon:
    user = out.cluster.user("mooring", namespace=namespace)
    user.allow(*RULES)
    return ClusterDaemon(out.file(namespace, **more), out.cluster, kubeconfig=user.kubeconfig)


def joined(out: Outside, addresses: list[str]) -> str:
    """As kubectl prints ready addresses."""
    return ",".join(f"{address}:{out.kind.target}" for address in addresses)


def described(out: Outside, namespace: str) -> str:
    return out.cluster.kubectl("-n", namespace, "describe", "service", out.kind.service)


def shown(out: Outside, namespace: str) -> set[str]:
    """The addresses that `kubectl describe service` has as Endpoints; it takes them from the mirror, in any order."""
    [line] = [line for line in described(out, namespace).splitlines() if line.startswith("Endpoints:")]
    return {address for address in out.addresses if f"{address}:{out.kind.target}" in line}


def all_let_in(out: Outside, namespace: str, host: str, count: int, by: list[str]) -> None:
    """Each of so many fresh logins succeeds, at one of these servers."""
    logins = out.logins(namespace, host, count)
    assert [login.error for login in logins if login.error] == []
    assert {login.server for login in logins} <= set(by)


def leaves(out: Outside, namespace: str, cluster_ip: str) -> None:
    """The second host has left, also in the mirror, and no fresh login comes to it."""
    alive, dead = out.addresses
    wait_until(lambda: out.slices(namespace) == {alive: True, dead: False}, 10, "the mirror to follow")
    out.wait_balanced(namespace, [alive])
    all_let_in(out, namespace, cluster_ip, 50, [alive])


@both_kinds
def test_walk(cluster: Cluster, namespace: str, out: Outside) -> None:
    """From a Service without Endpoints to logins; a killed host leaves and no login fails; restarted, it is back."""
    alive, dead = both = out.addresses
    key = f"{namespace}/{out.kind.service}"
    cluster_ip = out.make_service(namespace)
    with Versions(cluster, namespace) as history, mooring(out, namespace) as daemon:
        daemon.wait_ready(key, both, timeout=20)
        wait_until(lambda: shown(out, namespace) == set(both), 10, "kubectl describe to show both", every=0.2)
        out.wait_balanced(namespace, both)
        for host in (cluster_ip, out.kind.service):
            all_let_in(out, namespace, host, 5, both)
        with Following(cluster, namespace, out.kind.service) as seen:
            wait_until(seen.flips, 10, "kubectl to show what there is")
            killed_at, after = time.monotonic(), len(daemon.output)
            out.servers[1].kill()
            wait_until(lambda: history.of(key)[-1].not_ready == [dead], 10, f"{dead} to leave")
            left = history.of(key)[-1]
            assert left.ready == [alive]
            assert left.seen - killed_at <= FAILURES * PERIOD + 1 + MARGIN
            assert daemon.wait_log("host.not_ready", after=after)["streak"] == FAILURES
            leaves(out, namespace, cluster_ip)
            out.servers[1].start()
            daemon.wait_ready(key, both)
            assert daemon.wait_log("host.ready", after=after, address=dead)["streak"] == SUCCESSES
            wait_until(lambda: seen.flips()[-1] == joined(out, both), 5, "kubectl to show the return")
            assert seen.flips() == [joined(out, both), joined(out, [alive]), joined(out, both)]


@pytest.mark.fault(
    "objects",
    "Endpoints made by hand hold a dead host",
    "Taken over with what else stands on them; it leaves.",
    within="F x P + T",
)
@both_kinds
def test_endpoints_made_by_hand_with_a_dead_host(cluster: Cluster, namespace: str, out: Outside) -> None:
    """Endpoints that hold a dead host are taken over, with what else stands on them, and it leaves after the usual."""
    alive, dead = both = out.addresses
    key = f"{namespace}/{out.kind.service}"
    cluster_ip = out.make_service(namespace)
    out.servers[1].kill()
    out.by_hand(namespace, both, labels={"team": "shop"}, annotations={"note": "made by hand"})
    with Versions(cluster, namespace) as history, mooring(out, namespace) as daemon:
        daemon.wait_ready(key, [alive], timeout=20)
        assert daemon.not_ready(key) == [dead]
        assert daemon.wait_log("host.not_ready")["streak"] == FAILURES
        leaves(out, namespace, cluster_ip)
    assert [alive in version.ready for version in history.of(key)] == [True] * len(history.of(key))
    metadata = (history.of(key)[-1].manifest or {})["metadata"]
    assert metadata["labels"] == {"team": "shop", "app.kubernetes.io/managed-by": "mooring"}
    assert metadata["annotations"]["note"] == "made by hand"


@pytest.mark.fault(
    "objects",
    "Endpoints hold a ready address that no host has",
    "They stay as they are until the file says what to do.",
    within="nothing moves",
)
@pytest.mark.parametrize("consent", ["list", "replace"])
def test_unlisted_ready_address_is_refused(cluster: Cluster, namespace: str, out: Outside, consent: str) -> None:
    """Endpoints that hold a ready address which no host has stay as they are until the file says what to do."""
    both, key = out.addresses, f"{namespace}/{out.kind.service}"
    out.make_service(namespace)
    out.by_hand(namespace, [both[0], NOBODY])
    with Versions(cluster, namespace) as history, mooring(out, namespace) as daemon:
        assert NOBODY in daemon.wait_log("endpoints.refused", timeout=20)["why"]
        wait_until(lambda: warned(out, namespace, "Refused"), 10, "the Event", every=0.2)
        assert NOBODY in warned(out, namespace, "Refused")
        assert NOBODY in daemon.status()["services"][0]["error"]
    assert len(history.of(key)) == 1
    more: dict[str, Any] = {"adopt": "replace"} if consent == "replace" else {"hosts": [*both, NOBODY]}
    with mooring(out, namespace, **more) as daemon:
        daemon.wait_ready(key, both, timeout=20)
        assert daemon.not_ready(key) == ([] if consent == "replace" else [NOBODY])
        if consent == "replace":
            assert daemon.wait_log("address.removed", address=NOBODY)["manager"] == "kubectl-create"
            wait_until(lambda: warned(out, namespace, "AddressRemoved"), 10, "the Event", every=0.2)
            assert f"{NOBODY}, which no host in the file has, put there by kubectl-create" in described(out, namespace)


def warned(out: Outside, namespace: str, reason: str) -> str:
    """The Events of this reason, as `kubectl describe service` shows them."""
    return "\n".join(line for line in described(out, namespace).splitlines() if f" {reason} " in line)


def test_manifests_of_a_folder(cluster: Cluster, namespace: str, out: Outside, tmp_path: Path) -> None:
    """What the folder cluster keeps is what a real API server takes, strictly checked; once applied, logins work."""
    alive, dead = both = out.addresses
    cluster_ip = out.make_service(namespace)
    out.servers[1].kill()
    ports = [{"name": out.kind.protocol, "port": out.kind.target}]
    mixed = out.service(both, namespace=namespace, ports=ports)
    two = [*ports, {"name": "admin", "port": 33062}]
    more = [
        {**mixed, "name": "all-dead", "hosts": [dead]},
        {**mixed, "name": "all-ready", "hosts": [alive]},
        {**mixed, "name": "two-ports", "ports": two},
        {**mixed, "name": "six", "hosts": [{"address": "fd00::b", "probeAddress": alive}]},
        {**mixed, "name": "no-name", "ports": [{"port": out.kind.target}]},
    ]
    config = tmp_path / "config.yaml"
    config.write_text(configuration.file(mixed, *more, period=PATIENCE))
    where = ("--config", str(config), "--cluster", "local", "--state-dir", str(tmp_path / "state"))
    assert command(cluster, "run", "--once", *where).returncode == 1  # a host is not ready
    manifests = sorted((tmp_path / "state" / namespace).iterdir())
    assert len(manifests) == 6
    for manifest in manifests:
        told = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(manifest))
        assert f"endpoints/{manifest.stem} created (server dry run)" in told
    cluster.kubectl("apply", "--validate=strict", "-f", str(tmp_path / "state" / namespace / "mysql-external.yaml"))
    leaves(out, namespace, cluster_ip)
