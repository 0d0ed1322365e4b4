"""Services that cannot be served: each is told where somebody looks, and served as soon as the cause is gone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.reader import Reader
from kube.daemon import ClusterDaemon
from kube.databases import PERIOD, REDIS, Outside, outside
from kube.full_cluster import Cluster
from lab import configuration
from lab.waiting import wait_until
from support.console import compared

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

SIX = "fd00::b"
SHOWN = compared("docs/migration.md", __file__)
PORT = {"name": "redis", "port": 6400, "targetPort": 6379}


@dataclass(frozen=True)
class Cause:
    """A Service's spec beside its port, what is said of it, and the merge patch that takes the cause away."""

    spec: Mapping[str, Any]
    why: str
    cure: Mapping[str, Any]
    listed: Mapping[str, Any] = field(default_factory=dict)
    """Further fields in the file."""


CAUSES = {
    "selector": Cause(
        {"selector": {"app": "db"}},
        "the Service has a selector, so Kubernetes keeps its Endpoints; remove the selector",
        {"spec": {"selector": None}},
    ),
    "external-name": Cause(
        {"type": "ExternalName", "externalName": "db.example.com"},
        "the Service is of type ExternalName, which has no Endpoints; make it a ClusterIP Service",
        {"spec": {"type": "ClusterIP", "externalName": None}},
    ),
    "other-names": Cause(
        {},
        "the port names do not match: the file has 'cache', the Service has 'redis'",
        {"spec": {"ports": [{**PORT, "name": "cache"}]}},
        {"ports": [{"name": "cache", "port": 6379}]},
    ),
    "named-target": Cause(
        {"ports": [{**PORT, "targetPort": "db"}]},
        "port 'redis' has the targetPort 'db', a name that only pods have; list ports in the file",
        {"spec": {"ports": [PORT]}},
    ),
    "owned": Cause(
        {},
        "the Service belongs to ConfigMap/operator, which manages its Endpoints; use a Service of your own",
        {"metadata": {"ownerReferences": None}},
    ),
}


@dataclass(frozen=True)
class Scene:
    cluster: Cluster
    namespace: str
    databases: Outside
    daemon: ClusterDaemon

    @property
    def services(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/services"

    def error(self, name: str, namespace: str | None = None) -> str | None:
        """What the status says of a Service."""
        where = (namespace or self.namespace, name)
        found = self.daemon.status()["services"]
        why: str | None = next(one["error"] for one in found if (one["namespace"], one["name"]) == where)
        return why

    def wait_error(self, why: str, name: str, namespace: str | None = None) -> None:
        """The status says it a little later than the log."""
        wait_until(lambda: self.error(name, namespace) == why, 5, f"the status of {name} to say why")

    def described(self, name: str, namespace: str | None = None) -> str:
        return self.cluster.kubectl("-n", namespace or self.namespace, "describe", "service", name)

    def is_served(self, name: str) -> None:
        """It is, soon, and nothing is said against it any more."""
        self.daemon.wait_ready(f"{self.namespace}/{name}", self.databases.addresses)
        wait_until(lambda: self.error(name) is None, 5, "the status to have no error")


def make(cluster: Cluster, namespace: str, name: str, spec: Mapping[str, Any], owners: list[Any] | None = None) -> None:
    body = {"metadata": {"name": name, "ownerReferences": owners or []}, "spec": {"ports": [PORT], **spec}}
    cluster.rest.create(f"/api/v1/namespaces/{namespace}/services", body)


def owner(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """A reference to an object that is really there: else the garbage collector removes what it owns."""
    made = cluster.rest.create(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "operator"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "operator", "uid": made["metadata"]["uid"]}
    return {**reference, "controller": True}


def text(databases: Outside, namespace: str) -> str:
    """A file with all of them, one that is not there, the API server's own, one with a foreign family, a good one."""
    both = databases.addresses
    here = {"namespace": namespace}
    entries = [databases.service(both, name=name, **here, **cause.listed) for name, cause in CAUSES.items()]
    entries += [databases.service(both, name=name, **here) for name in ("absent", "good", "sessions")]
    entries.append(databases.service([*both, SIX], name="mixed", **here))
    entries.append(databases.service(both, name="kubernetes"))
    return configuration.file(*entries, period=PERIOD)


@pytest.fixture(scope="module")
def scene(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One daemon over all of them at once, which serves those that it can."""
    with contextlib.ExitStack() as undo:
        namespace = undo.enter_context(cluster.namespace())
        [databases] = undo.enter_context(outside(cluster, tmp_path_factory.mktemp("secrets"), REDIS))
        for name, cause in CAUSES.items():
            owners = [owner(cluster, namespace)] if name == "owned" else []
            make(cluster, namespace, name, cause.spec, owners)
        for name in ("good", "mixed"):
            make(cluster, namespace, name, {})
        daemon = undo.enter_context(ClusterDaemon(text(databases, namespace), cluster))
        daemon.wait_ready(f"{namespace}/good", databases.addresses, timeout=20)
        yield Scene(cluster, namespace, databases, daemon)


@pytest.mark.parametrize("name", CAUSES)
def test_refused_until_the_cause_is_gone(scene: Scene, name: str) -> None:
    """The status, the log and `kubectl describe service` tell why; without the cause it is served, as others were."""
    why = CAUSES[name].why
    key = f"{scene.namespace}/{name}"
    assert scene.daemon.wait_log("endpoints.refused", service=key)["why"] == why
    scene.wait_error(why, name)
    wait_until(lambda: told(scene.described(name), why), 10, "the Event", every=0.2)
    assert scene.daemon.ready(key) == []
    scene.is_served("good")
    scene.cluster.rest.patch(f"{scene.services}/{name}", CAUSES[name].cure)
    scene.is_served(name)


def told(described: str, why: str) -> bool:
    """A Warning of ours stands among the Events."""
    return any(
        line.split()[:2] == ["Warning", "Refused"] and "mooring" in line and line.endswith(why)
        for line in described.splitlines()
    )


def test_service_that_comes_later(scene: Scene) -> None:
    """A Service that is not there yet is told, no Endpoints is made for it, and it is served once it is there."""
    why = "there is no such Service; create it without a selector"
    key = f"{scene.namespace}/absent"
    assert scene.daemon.wait_log("endpoints.refused", service=key)["why"] == why
    scene.wait_error(why, "absent")
    assert scene.daemon.manifest(key) is None
    make(scene.cluster, scene.namespace, "absent", {})
    scene.is_served("absent")


def test_what_a_user_sees(scene: Scene, tmp_path: Path) -> None:
    """`kubectl describe service` prints what docs/migration.md shows."""
    reader = Reader(scene.cluster, tmp_path, scene.namespace)
    [(making, describing)] = SHOWN
    reader.type(making)
    reader.look(describing)


def test_own_service_of_the_api_server(scene: Scene) -> None:
    """default/kubernetes is refused for good, and its Endpoints stay the API server's."""
    why = "this is the API server's own Service; choose another"
    assert scene.daemon.wait_log("endpoints.refused", service="default/kubernetes")["why"] == why
    scene.wait_error(why, "kubernetes", "default")
    wait_until(lambda: told(scene.described("kubernetes", "default"), why), 10, "the Event", every=0.2)
    assert scene.daemon.ready("default/kubernetes") == [scene.cluster.address]
    assert "mooring" not in str(scene.daemon.manifest("default/kubernetes"))


def test_address_of_a_family_that_the_service_lacks(scene: Scene) -> None:
    """An IPv6 address in an IPv4 Service is left out and told; the others are served."""
    key = f"{scene.namespace}/mixed"
    scene.is_served("mixed")
    assert scene.daemon.not_ready(key) == []
    left = scene.daemon.wait_log("address.left_out", service=key)
    assert (left["address"], left["why"]) == (SIX, "the Service has only IPv4")
