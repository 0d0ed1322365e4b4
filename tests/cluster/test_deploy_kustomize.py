"""The kustomize base on a whole cluster: two real pods over real databases, and what an upgrade does to traffic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import kustomized
from cluster.application import Login
from cluster.databases import MYSQL, outside
from cluster.installation import SECRET, Installation, file
from cluster.stage import published
from cluster.versions import Versions
from cluster.whole import Cluster
from ground.background import Background
from ground.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers, pytest.mark.needs_image]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kustomized.copied(tmp_path_factory.mktemp("deploy"))


@pytest.fixture(scope="module")
def installed(
    cluster: Cluster, image: str, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """As README says: the folder edited, namespace and Secret made, the folder applied."""
    directory = tmp_path_factory.mktemp("database")
    with outside(cluster, directory, MYSQL) as [database], cluster.namespace() as served:
        database.make_service(served)
        (base / "config.yaml").write_text(file(database, served))
        kustomized.edit(base / "roles.yaml", "namespace: default", f"namespace: {served}")
        kustomized.edit(base / "kustomization.yaml", 'newTag: "0.1.0"', f"newTag: {image.rpartition(':')[2]}")
        made = Installation(cluster, database, "mooring", served)
        try:
            cluster.kubectl("apply", "-f", str(base / "namespace.yaml"))
            made.kubectl("create", *SECRET)
            cluster.kubectl("apply", "-k", str(base))
            made.kubectl("rollout", "status", "deployment/mooring", "--timeout=55s")
            yield made
        finally:
            cluster.kubectl("delete", "-k", str(base), "--ignore-not-found", "--wait=false")


@pytest.fixture(autouse=True)
def _settled(installed: Installation) -> Iterator[None]:
    """Each test begins with both databases published and two ready pods."""
    installed.wait_stored(installed.database.addresses, [])
    wait_until(lambda: installed.deployment()["status"].get("readyReplicas") == 2, 30, "two ready pods", every=0.2)
    yield
    installed.database.revive()


def test_two_replicas_one_of_which_leads(installed: Installation) -> None:
    """Two pods are ready, one of them holds the Lease, and traffic has both databases."""
    assert len(installed.pods()) == 2
    assert installed.leader() in installed.pods()
    installed.database.wait_balanced(installed.served, installed.database.addresses)


def test_a_killed_database_leaves(installed: Installation) -> None:
    """A database that dies is published as not ready, logins all come to the other one, and it returns."""
    database = installed.database
    first, second = database.addresses
    database.servers[1].kill()
    installed.wait_stored([first], [second])
    database.wait_balanced(installed.served, [first])
    assert {login.server for login in database.logins(installed.served, MYSQL.service, 10)} == {first}
    database.revive()
    installed.wait_stored([first, second], [])


def test_what_a_user_asks(installed: Installation) -> None:
    """The commands of README's section answer: the table of hosts out of a pod, and the log of a pod."""
    told = installed.kubectl("exec", "deploy/mooring", "--", "mooring", "status")
    states = [line.split()[3:5] for line in told.splitlines()[1:]]
    assert states == [["ready", "ready"]] * 2
    assert '"event": "daemon.started"' in installed.kubectl("logs", "deploy/mooring")


def test_an_edited_file_restarts_nothing(installed: Installation, base: Path) -> None:
    """Another file is applied to the same ConfigMap, and the Deployment stays as it is."""
    before = installed.deployment()["metadata"]["generation"]
    (base / "config.yaml").write_text(file(installed.database, installed.served, failureThreshold=4))
    told = installed.cluster.kubectl("apply", "-k", str(base))
    assert "configmap/mooring configured" in told
    assert installed.deployment()["metadata"]["generation"] == before


def test_a_drained_node_takes_one_pod_at_a_time(installed: Installation) -> None:
    """The disruption budget lets one pod be evicted, and the second not before the first is replaced."""
    budget = "/apis/policy/v1/namespaces/mooring/poddisruptionbudgets/mooring"
    ask = installed.cluster.rest
    wait_until(lambda: ask.get(budget)["status"]["disruptionsAllowed"] == 1, 20, "the budget to allow one", every=0.1)
    told = []
    for pod in installed.pods():
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
        told.append(ask.ask("POST", f"/api/v1/namespaces/mooring/pods/{pod}/eviction", body).status)
    assert told == [201, 429]


class Traffic(Background):
    """``with Traffic(installed) as traffic``: one login after another through the ClusterIP; ``logins`` has them."""

    def __init__(self, installed: Installation) -> None:
        super().__init__()
        self._installed = installed
        self.logins: list[Login] = []

    def _run(self) -> None:
        while not self._ending.is_set():
            self.logins += self._installed.database.logins(self._installed.served, MYSQL.service, 100)


def test_a_rolling_update_moves_no_traffic(installed: Installation) -> None:
    """Both pods and the leader are replaced: no login fails, and no stored version has an address less."""
    before = set(installed.pods())
    with Versions(installed.cluster, installed.served) as history, Traffic(installed) as traffic:
        installed.kubectl("rollout", "restart", "deployment/mooring")
        installed.kubectl("rollout", "status", "deployment/mooring", "--timeout=55s")
        wait_until(lambda: not before & set(installed.pods()), 30, "the pods of before to end", every=0.2)
        wait_until(lambda: installed.leader() in set(installed.pods()), 30, "a new pod to lead", every=0.1)
    assert [login.error for login in traffic.logins if login.error] == []
    assert {login.server for login in traffic.logins} == set(installed.database.addresses)
    key = f"{installed.served}/{MYSQL.service}"
    assert {repr(version) for version in published(history, key)} == {repr((installed.database.addresses, []))}
