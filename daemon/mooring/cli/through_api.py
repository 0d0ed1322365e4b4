"""Asks the daemon that leads in a cluster, found by its Lease, through the API server.

The account needs ``get`` of the Lease, of pods and of pods/proxy in Mooring's namespace, and no way to a pod itself.
"""

from __future__ import annotations

from typing import Any

from mooring.cli.api import reach
from mooring.cli.settings import load_settings
from mooring.cluster.client import Api
from mooring.cluster.lease import HANDED_OVER, parse_lease
from mooring.cluster.reading import Json
from mooring.cluster.status import Missing
from mooring.model.errors import ConfigError, NoCredentials, Unavailable

NAMESPACE = "mooring"
"""Of an installation by docs/install.md."""
PORT = 8080
PORT_NAME = "http"


class LeaderInCluster:
    """``where``: ``NAMESPACE`` or ``NAMESPACE/NAME`` of the Lease; empty: that of the settings, else of the guide.

    Raises NoCredentials. Raises ConfigError: the settings name a folder.
    """

    def __init__(self, where: str) -> None:
        settings = load_settings({})
        namespace, _, name = where.partition("/")
        self._api = reach(settings).api
        self._namespace = namespace or settings.lease_namespace or NAMESPACE
        self._lease = name or settings.lease_name
        self.where = f"the leader by the Lease {self._namespace}/{self._lease}"

    def get(self, path: str) -> Any:
        """The JSON at this path of the daemon that leads now. Raises ClusterError."""
        pod = self._pod()
        proxy = f"/api/v1/namespaces/{self._namespace}/pods/http:{pod['metadata']['name']}:{_port(pod)}/proxy"
        return self._api.get(proxy + path)

    def _pod(self) -> Json:
        holder = leader(self._api, self._namespace, self._lease)
        try:
            return pod_of(self._api, self._namespace, holder)
        except Missing:
            raise Unavailable(
                f"{holder} leads by the Lease {self._namespace}/{self._lease}, and no pod of that namespace is it: "
                "name where it listens by --url"
            ) from None


def leader(api: Api, namespace: str, name: str) -> str:
    """Who holds the Lease. Raises ClusterError: nobody does, or it cannot be read."""
    where = f"{namespace}/{name}"
    try:
        lease = parse_lease(
            api.get(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"), HANDED_OVER, where
        )
    except Missing:
        raise Unavailable(f"there is no Lease {where}: name Mooring's by --in-cluster NAMESPACE/NAME") from None
    if not lease.holder:
        raise Unavailable(f"nobody holds the Lease {where}: no Mooring leads")
    return lease.holder


def pod_of(api: Api, namespace: str, holder: str) -> Json:
    """The pod of this holder, which calls itself by the pod's name, a dash and random letters. Raises ClusterError."""
    pod, _, _random = holder.rpartition("-")
    return api.get(f"/api/v1/namespaces/{namespace}/pods/{pod}")


def by_settings() -> LeaderInCluster | None:
    """The leader by the Lease of the settings; None: there is nothing to log in to a cluster with."""
    try:
        return LeaderInCluster("")
    except (ConfigError, NoCredentials):
        return None


def _port(pod: Json) -> int:
    """Where the daemon in the pod listens."""
    ports = [port for one in pod["spec"]["containers"] for port in one.get("ports") or ()]
    named = [port["containerPort"] for port in ports if port.get("name") == PORT_NAME]
    return int(next(iter(named), PORT))
