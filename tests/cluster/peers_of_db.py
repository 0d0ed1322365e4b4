"""Mooring beside the databases: machines with one configuration, before a Service of the test cluster."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import yaml

from kube.databases import MYSQL, PASSWORD
from kube.full_cluster import Cluster
from kube.redis_services import RIGHTS
from lab.history import addresses
from lab.network import Host
from lab.waiting import wait_until
from support.machine import Machine

LEASE = "mooring"
LEASE_RIGHTS = {
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "resourceNames": [LEASE],
    "verbs": ["get", "list", "watch", "create", "patch"],
}
_FIRST = 21
"""Of the numbers of hosts; no other test has these."""


@dataclass(frozen=True)
class Beside:
    """``machines`` boot with nothing of Mooring's but its environment; ``install`` does the rest."""

    cluster: Cluster
    namespace: str
    machines: Sequence[Machine]

    @property
    def addresses(self) -> list[str]:
        return [machine.host.address for machine in self.machines]

    @property
    def key(self) -> str:
        return f"{self.namespace}/{MYSQL.service}"

    def config(self, hosts: Sequence[Any] | None = None) -> str:
        """The file of all machines: by default with all their addresses, probed once a second."""
        block = {"user": MYSQL.prober, "passwordFile": "${CREDENTIALS_DIRECTORY}/secrets_mysql-password"}
        entry = {
            "name": MYSQL.service,
            "namespace": self.namespace,
            "hosts": list(hosts or self.addresses),
            "check": {"periodSeconds": 1, MYSQL.protocol: block},
        }
        return yaml.safe_dump({"version": 1, "services": [entry]})

    def install(self) -> None:
        """The same files on each machine, and the unit started."""
        files = self.files()
        with ThreadPoolExecutor() as hands:
            list(hands.map(lambda machine: machine.install(files), self.machines))

    def files(self) -> dict[str, str]:
        """The three that a user makes, by name."""
        return {"config.yaml": self.config(), "kubeconfig": self._kubeconfig(), "mysql-password": f"{PASSWORD}\n"}

    def _kubeconfig(self) -> str:
        """As `kubectl config view --minify --raw --flatten` writes it, with the rights of the docs and no more."""
        user = self.cluster.user("beside", namespace=self.namespace)
        user.allow(*RIGHTS, LEASE_RIGHTS)
        document = yaml.safe_load(user.kubeconfig.read_text())
        authority = self.cluster.credentials.server.authority.read_bytes()
        document["clusters"][0]["cluster"] = {
            "server": self.cluster.url,
            "certificate-authority-data": base64.b64encode(authority).decode(),
        }
        document["users"][0]["user"] = {"token": user.token()}
        return yaml.safe_dump(document)

    def _get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self.cluster.rest.get(path)
        return found or {}

    def endpoints(self) -> dict[str, Any]:
        return self._get(f"/api/v1/namespaces/{self.namespace}/endpoints/{MYSQL.service}")

    def published(self) -> tuple[list[str], list[str]]:
        """Ready and not ready addresses as they are stored."""
        stored = self.endpoints()
        return addresses(stored, "addresses"), addresses(stored, "notReadyAddresses")

    def wait_published(self, ready: Sequence[str], not_ready: Sequence[str] = (), *, within: float = 30) -> None:
        wanted = (list(ready), list(not_ready))
        wait_until(lambda: self.published() == wanted, within, f"{wanted} to be published", every=0.05)

    def holder(self) -> str:
        """The identity in the Lease, empty where nobody holds it."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{LEASE}"
        return str(self._get(path).get("spec", {}).get("holderIdentity") or "")

    def leader(self) -> Machine:
        """The machine whose Mooring holds the Lease; an identity begins with the host's name."""
        holder = wait_until(self.holder, 30, "a leader", every=0.05)
        return next(machine for machine in self.machines if holder.startswith(f"{machine.host.name}-"))


def _host(cluster: Cluster, place: int) -> Host:
    return cluster.host(_FIRST + place)


@contextlib.contextmanager
def beside(cluster: Cluster, count: int, *, bare: bool = False) -> Iterator[Beside]:
    """Boots so many machines, and makes a Service before them in a namespace of its own; ``bare`` as of a machine."""
    accounts: Mapping[str, str] = {MYSQL.user: PASSWORD, MYSQL.prober: PASSWORD}
    with contextlib.ExitStack() as undo:
        namespace = undo.enter_context(cluster.namespace())
        machines = [undo.enter_context(Machine(_host(cluster, place), accounts, bare=bare)) for place in range(count)]
        port = {"name": MYSQL.protocol, "port": MYSQL.port, "targetPort": MYSQL.target}
        service = {"metadata": {"name": MYSQL.service}, "spec": {"ports": [port]}}
        cluster.rest.create(f"/api/v1/namespaces/{namespace}/services", service)
        yield Beside(cluster, namespace, [machine.booted() for machine in machines])
