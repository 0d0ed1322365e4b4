"""Mooring's image as a pod, its file from a ConfigMap that is edited while a real kubelet mounts it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from kube.databases import REDIS, outside
from kube.full_cluster import Cluster
from kube.redis_services import RIGHTS
from kube.versions import Versions
from lab.configuration import file, service
from lab.history import addresses
from lab.mooring import Daemon
from lab.waiting import wait_until
from support.oracle import Rules
from support.oracle_feed import Watch
from support.twenty_hosts import Field

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_image, pytest.mark.needs_servers]

SWAPS = int(os.environ.get("MOORING_SWAPS", "4"))
PERIOD = 0.5
SWAP_SECONDS = 30.0
LABEL = {"app": "mooring"}
LOOKS = {"apiGroups": ["", "apps"], "resources": ["pods", "replicasets"], "verbs": ["get"]}


class Installed:
    """A Deployment of one replica and its ConfigMap, with the rights of a namespace and none more, once ``start``ed."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.pod: dict[str, Any] = {}

    def start(self, image: str, text: str) -> None:
        """Makes all of it; returns when the pod runs."""
        self._allow("mooring", *RIGHTS)
        self._apply("v1", "ServiceAccount", "mooring")
        self.write(text)
        self._apply("apps/v1", "Deployment", "mooring", spec=_deployment(image))
        try:
            self.pod = wait_until(self._running, 60, "the pod to run", every=0.2)
        except TimeoutError as error:
            error.add_note(self.kubectl("describe", "pods"))
            raise

    def kubectl(self, *words: str) -> str:
        return self.cluster.kubectl("-n", self.namespace, *words)

    def _apply(self, version: str, kind: str, name: str, **more: Any) -> None:
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}
        self.cluster.kubectl("-n", self.namespace, "apply", "-f", "-", stdin=json.dumps(body))

    def _allow(self, name: str, *rules: Any) -> None:
        rbac = "rbac.authorization.k8s.io"
        self._apply(f"{rbac}/v1", "Role", name, rules=rules)
        subject = {"kind": "ServiceAccount", "name": "mooring", "namespace": self.namespace}
        reference = {"apiGroup": rbac, "kind": "Role", "name": name}
        self._apply(f"{rbac}/v1", "RoleBinding", name, roleRef=reference, subjects=[subject])

    def may_look(self) -> None:
        """From now on the account may find the Deployment of its pod."""
        self._allow("looks", LOOKS)

    def write(self, text: str) -> None:
        self._apply("v1", "ConfigMap", "mooring", data={"config.yaml": text})

    def edit(self, text: str) -> None:
        """Kubelet looks at once where something of the pod itself changes; otherwise after a minute at most."""
        self.write(text)
        now = str(time.time())
        self.cluster.kubectl("-n", self.namespace, "annotate", "--overwrite", "pod", self.name, f"edited={now}")

    def _running(self) -> dict[str, Any]:
        found = self.cluster.rest.get(f"/api/v1/namespaces/{self.namespace}/pods?labelSelector=app%3Dmooring")["items"]
        ready = [one for one in found if one["status"].get("containerStatuses", [{}])[0].get("ready")]
        return ready[0] if ready else {}

    @property
    def name(self) -> str:
        return str(self.pod["metadata"]["name"])

    @property
    def swapped_at(self) -> float:
        """When kubelet last made the symlink ``..data``, in Unix seconds."""
        volumes = self.cluster.directory / "node/kubelet/pods" / self.pod["metadata"]["uid"] / "volumes"
        return Path(volumes, "kubernetes.io~configmap/config/..data").lstat().st_mtime

    def logs(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """As ``Daemon.logs``; of a line that is being written only a part may be there."""
        text = self.kubectl("logs", self.name)
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return [one for one in lines if one["event"] == event and fields.items() <= one.items()]

    def wait_logs(self, event: str, count: int) -> dict[str, Any]:
        what = f"{event} for the {count}. time"
        return wait_until(lambda: self.logs(event)[count - 1 :], SWAP_SECONDS, what, every=0.1)[0]

    def published(self, name: str) -> list[str]:
        found = self.cluster.rest.get(f"/api/v1/namespaces/{self.namespace}/endpoints/{name}")
        return addresses(found, "addresses")

    def told(self, uid: str) -> list[str]:
        """The messages of the Events about refused files at this object."""
        found = self.cluster.rest.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]
        mine = [one for one in found if one["involvedObject"]["uid"] == uid]
        return [one["message"] for one in mine if one["reason"] == "ConfigRefused"]


def _deployment(image: str) -> dict[str, Any]:
    fields = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "POD_UID": "metadata.uid"}
    container = {
        "name": "mooring",
        "image": image,
        "imagePullPolicy": "Never",
        "args": ["run", "--cluster=in-cluster", "--no-leader-elect", "--log-level=debug"],
        "env": [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/mooring"}],
    }
    volumes = [{"name": "config", "configMap": {"name": "mooring"}}]
    spec = {"serviceAccountName": "mooring", "terminationGracePeriodSeconds": 2}
    template = {"metadata": {"labels": LABEL}, "spec": {**spec, "containers": [container], "volumes": volumes}}
    return {"replicas": 1, "selector": {"matchLabels": LABEL}, "template": template}


class Bystander(Field):
    """The Service that no edit is about, for the oracle."""

    def __init__(self, namespace: str, hosts: list[str]) -> None:
        self._namespace, self._listed_hosts = namespace, hosts

    def rules(self) -> list[Rules]:
        targets = {address: (address, REDIS.target) for address in self._listed_hosts}
        return [Rules(f"{self._namespace}/stable", targets, 2, 3, PERIOD, PERIOD)]


@pytest.fixture
def hosts(cluster: Cluster, tmp_path: Path) -> Iterator[list[str]]:
    """The addresses of two servers outside; nobody logs in here."""
    with outside(cluster, tmp_path, REDIS) as (made,):
        yield made.addresses


def _text(namespace: str, hosts: list[str], moving: list[str], failures: int = 3) -> str:
    stable, changed = (
        service(name, "tcp", listed, namespace=namespace, ports=[{"name": "redis", "port": REDIS.target}], **more)
        for name, listed, more in (
            ("stable", hosts, {}),
            ("moving", moving, {"check": {"failureThreshold": failures}}),
        )
    )
    return file(stable, changed, period=PERIOD)


@pytest.mark.fault(
    "file",
    "A ConfigMap is edited, rightly and wrongly",
    "In force within a second of kubelet's swap; a wrong edit changes nothing.",
    within="1 s",
)
@pytest.mark.timeout(600 + 20 * SWAPS)
def test_a_configmap_is_edited(cluster: Cluster, namespace: str, image: str, hosts: list[str]) -> None:
    """Each edit is in force soon after kubelet's swap; a Service that it is not about is left alone.

    "Soon" is a second where the machine is not busy. A wrong edit changes nothing and is told at the pod, or at its
    Deployment where the account may find that.
    MOORING_SWAPS=20 edits so often.
    """
    for name in ("stable", "moving"):
        port = {"name": "redis", "port": REDIS.target}
        body = {"metadata": {"name": name}, "spec": {"ports": [port]}}
        cluster.rest.create(f"/api/v1/namespaces/{namespace}/services", body)
    with Versions(cluster, namespace) as history:
        made = Installed(cluster, namespace)
        with Watch(Bystander(namespace, hosts), cast("Daemon", made), history) as watch:
            made.start(image, _text(namespace, hosts, hosts))
            wait_until(lambda: made.published("stable") == hosts, 60, "the hosts to be published")
            seconds = [_swap(made, hosts, number) for number in range(1, SWAPS + 1)]
            _refusals(made, hosts)
            time.sleep(1.0)
            oracle = watch.oracle(0.5)
    assert oracle.violations() == []
    assert history.missed == 0
    ready = [version.ready == hosts for version in history.of(f"{namespace}/stable")]
    assert ready == sorted(ready), "a Service that did not change was written"
    print(f"{SWAPS} swaps, from ..data to in force: most {max(seconds):.3f} s")  # noqa: T201 -- the figure wanted
    assert min(seconds) < 5.0


def _swap(made: Installed, hosts: list[str], number: int) -> float:
    """Seconds from kubelet's swap to the file being in force."""
    moving = hosts[: 1 + (number % 2 == 0)]
    made.edit(_text(made.namespace, hosts, moving, failures=3 + number % 5))
    told = made.wait_logs("config.reloaded", number)
    wait_until(lambda: made.published("moving") == moving, 60, f"{moving} to be published", every=0.05)
    return datetime.fromisoformat(told["timestamp"]).timestamp() - made.swapped_at


def _refusals(made: Installed, hosts: list[str]) -> None:
    made.edit("version: 1\nservices: {}\n")
    problems = made.wait_logs("config.refused", 1)["problems"]
    assert problems[0].startswith("/etc/mooring/config.yaml:2:11: services: ")
    (told,) = wait_until(lambda: made.told(made.pod["metadata"]["uid"]), 60, "the Event at the pod")
    assert problems[0] in told
    made.may_look()
    made.edit("")
    made.wait_logs("config.refused", 2)
    deployment = made.cluster.rest.get(f"/apis/apps/v1/namespaces/{made.namespace}/deployments/mooring")
    wait_until(lambda: made.told(deployment["metadata"]["uid"]), 60, "the Event at the Deployment")
    assert made.published("stable") == hosts
