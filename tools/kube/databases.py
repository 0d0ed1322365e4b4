"""A selector-less Service before two real databases outside, and what the cluster makes of its Endpoints."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kube.application import Login
from kube.full_cluster import Cluster
from lab import configuration
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until

PERIOD = 0.5
PASSWORD = "throw-away-of-a-test"


@dataclass(frozen=True)
class Kind:
    """A protocol with its Service: ``port`` is the Service's, ``target`` the hosts'."""

    protocol: str
    service: str
    port: int
    target: int
    user: str
    """The application's account."""
    prober: str
    """The daemon's."""


MYSQL = Kind("mysql", "mysql-external", 3366, 3306, "app", "mooring")
REDIS = Kind("redis", "sessions", 6400, 6379, "default", "default")


@dataclass(frozen=True)
class Outside:
    """Two servers of one kind, each on a database host of its own."""

    cluster: Cluster
    kind: Kind
    servers: Sequence[Server]
    directory: Path

    @property
    def addresses(self) -> list[str]:
        return [server.address for server in self.servers]

    @property
    def secret(self) -> Path:
        return self.directory / f"{self.kind.protocol}-password"

    def service(self, hosts: Sequence[Any], **more: Any) -> dict[str, Any]:
        """An entry of a file; its ports are left to the Service unless ``ports`` are given."""
        block = {"user": self.kind.prober, "passwordFile": str(self.secret)}
        entry = configuration.service(self.kind.service, self.kind.protocol, hosts, block=block)
        del entry["ports"]
        return {**entry, **more}

    def file(self, namespace: str, hosts: Sequence[Any] | None = None, **more: Any) -> str:
        """A whole file of one Service; without ``hosts``, both."""
        entry = self.service(self.addresses if hosts is None else hosts, namespace=namespace, **more)
        return configuration.file(entry, period=PERIOD)

    def manifest(self, **spec: Any) -> dict[str, Any]:
        """The Service as a user writes it."""
        port = {"name": self.kind.protocol, "port": self.kind.port, "targetPort": self.kind.target}
        metadata = {"name": self.kind.service}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [port], **spec}}

    def make_service(self, namespace: str) -> str:
        """Creates it; returns its ClusterIP."""
        made = self.cluster.rest.create(f"/api/v1/namespaces/{namespace}/services", self.manifest())
        return str(made["spec"]["clusterIP"])

    def by_hand(self, namespace: str, ready: Sequence[str], **metadata: Any) -> None:
        """Endpoints as somebody makes them with kubectl; kubectl's name is what managedFields will say."""
        subset = {
            "addresses": [{"ip": address} for address in ready],
            "ports": [{"name": self.kind.protocol, "port": self.kind.target}],
        }
        path = f"/api/v1/namespaces/{namespace}/endpoints?fieldManager=kubectl-create"
        self.cluster.rest.create(path, {"metadata": {"name": self.kind.service, **metadata}, "subsets": [subset]})

    def slices(self, namespace: str) -> dict[str, bool]:
        """Each address of the Service's EndpointSlices, and whether it is ready there."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        found = self.cluster.rest.get(f"{path}?labelSelector=kubernetes.io/service-name={self.kind.service}")
        endpoints = [one for item in found["items"] for one in item.get("endpoints") or ()]
        return {address: one["conditions"]["ready"] for one in endpoints for address in one["addresses"]}

    def balanced(self, namespace: str, family: str = "ip") -> set[str]:
        """The addresses that kube-proxy hands connections to now: those in the Service's chain of its table.

        ``family`` is nftables' word: ip or ip6.
        """
        table = self.cluster.enter("nft", "list", "table", family, "kube-proxy")
        place = re.escape(f"-{namespace}/{self.kind.service}/tcp/{self.kind.protocol}")
        found = re.search(rf"chain service-\w+{place} {{(.*?)\n\t}}", table, re.DOTALL)
        return set(re.findall(rf"([\da-f.:]+) \. {self.kind.target}\b", found[1])) if found else set()

    def wait_balanced(self, namespace: str, ready: Sequence[str], family: str = "ip") -> None:
        wait_until(lambda: self.balanced(namespace, family) == set(ready), 45, f"kube-proxy to use {ready}", every=0.05)

    def logins(self, namespace: str, host: str, count: int) -> list[Login]:
        """Fresh logins of the application, one after the other."""
        return self.cluster.application.logins(
            self.kind.protocol,
            host,
            self.kind.port,
            user=self.kind.user,
            password=PASSWORD,
            count=count,
            namespace=namespace,
        )

    def revive(self) -> None:
        """Starts the servers that a test killed."""
        for server in self.servers:
            if not server.running:
                server.start()


def _server(kind: Kind, address: str, netns: str) -> Server:
    if kind is REDIS:
        return Redis(netns=netns, address=address, password=PASSWORD)
    return Mariadb(netns=netns, address=address, accounts={kind.user: PASSWORD, kind.prober: PASSWORD})


@contextlib.contextmanager
def outside(cluster: Cluster, directory: Path, *kinds: Kind) -> Iterator[list[Outside]]:
    """Starts two servers of each kind on the hosts 1 and 2; ``directory`` takes the password files."""
    with contextlib.ExitStack() as undo:
        made = []
        for kind in kinds:
            hosts = [cluster.host(number) for number in (1, 2)]
            servers = [_server(kind, host.address, host.netns) for host in hosts]
            for server in servers:
                undo.callback(server.close)
            made.append(Outside(cluster, kind, servers, directory))
            made[-1].secret.write_text(f"{PASSWORD}\n")
        start_all(*(server for one in made for server in one.servers))
        yield made
