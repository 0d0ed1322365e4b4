"""The kustomize base on a whole cluster: two real pods over real databases, and what an upgrade does to traffic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import kustomized
from cluster.installation import Installation, file
from cluster.reader import Reader, example
from kube.application import Login
from kube.databases import MYSQL, PASSWORD, outside
from kube.full_cluster import Cluster
from kube.redis_services import published
from kube.versions import Versions
from lab.waiting import wait_until
from support.background import Background
from support.console import compared

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers, pytest.mark.needs_image]
PAGE = "docs/install.md"
BEFORE, INSTALLING, ASKING, AFTER_A_DEATH = compared(PAGE, __file__)
[MIGRATING] = compared("docs/migration.md", __file__)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kustomized.copied(tmp_path_factory.mktemp("deploy"))


@pytest.fixture(scope="module")
def reader(cluster: Cluster, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody with a copy of the base, the page's Service and the password, before a namespace of the Service."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "deploy").mkdir()
    (folder / "deploy/kustomize").symlink_to(base)
    (folder / "service.yaml").write_text(example(PAGE, "service.yaml"))
    (folder / "mysql-password").write_text(PASSWORD)
    with cluster.namespace() as served:
        yield Reader(cluster, folder, served)


@pytest.fixture(scope="module")
def installed(reader: Reader, image: str, base: Path) -> Iterator[Installation]:
    """By the commands of docs/install.md, each of which prints what stands there."""
    with outside(reader.cluster, reader.folder, MYSQL) as [database]:
        (base / "config.yaml").write_text(file(database, reader.served))
        kustomized.edit(base / "roles.yaml", "namespace: default", f"namespace: {reader.served}")
        kustomized.edit(base / "kustomization.yaml", 'newTag: "0.1.0"', f"newTag: {image.rpartition(':')[2]}")
        made = Installation(reader.cluster, database, "mooring", reader.served)
        try:
            for step in (*BEFORE, *INSTALLING):
                reader.type(step)
            yield made
        finally:
            reader.cluster.kubectl("delete", "-k", str(base), "--ignore-not-found", "--wait=false")


@pytest.fixture(autouse=True)
def _settled(installed: Installation) -> Iterator[None]:
    """Each test begins with both databases published and two ready pods."""
    installed.wait_stored(installed.database.addresses, [])
    wait_until(lambda: installed.deployment()["status"].get("readyReplicas") == 2, 30, "two ready pods", every=0.2)
    yield
    installed.database.revive()


def test_two_replicas_one_of_which_leads(installed: Installation) -> None:
    """Two pods are ready, one of them holds the Lease, each says what it sees, and traffic has both databases."""
    assert len(installed.pods()) == 2
    assert installed.leader() in installed.pods()
    wait_until(lambda: installed.observers() == set(installed.pods()), 30, "an observer Lease for each pod")
    installed.database.wait_balanced(installed.served, installed.database.addresses)


def test_a_killed_database_leaves(installed: Installation, reader: Reader) -> None:
    """A database that dies is published as not ready, logins all come to the other one, and it returns.

    The status meanwhile is what docs/install.md shows.
    """
    database = installed.database
    first, second = database.addresses
    database.servers[1].kill()
    installed.wait_stored([first], [second])
    database.wait_balanced(installed.served, [first])
    for step in AFTER_A_DEATH:
        reader.look(step)
    assert {login.server for login in database.logins(installed.served, MYSQL.service, 10)} == {first}
    database.revive()
    installed.wait_stored([first, second], [])


def test_what_a_user_asks(installed: Installation, reader: Reader) -> None:
    """The status, the plan and the Service are what docs/install.md and docs/migration.md show; a pod has a log."""
    for step in (*ASKING, *MIGRATING):
        reader.look(step)
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
        installed.kubectl("rollout", "status", "deployment/mooring", "--timeout=300s")
        wait_until(lambda: not before & set(installed.pods()), 30, "the pods of before to end", every=0.2)
        wait_until(lambda: installed.leader() in set(installed.pods()), 30, "a new pod to lead", every=0.1)
    assert [login.error for login in traffic.logins if login.error] == []
    assert {login.server for login in traffic.logins} == set(installed.database.addresses)
    key = f"{installed.served}/{MYSQL.service}"
    assert {repr(version) for version in published(history, key)} == {repr((installed.database.addresses, []))}
