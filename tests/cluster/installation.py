"""Mooring as pods of the whole cluster, over a Service in another namespace and two real databases outside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kube.databases import PASSWORD, PERIOD, Outside
from kube.full_cluster import Cluster
from lab import configuration
from lab.waiting import wait_until
from mooring.leader.vantage import SLOTS

PASSWORD_FILE = "/etc/mooring/secrets/mysql-password"
SECRET = ("secret", "generic", "mooring-passwords", f"--from-literal=mysql-password={PASSWORD}")
_DAEMONS = "app.kubernetes.io/component=daemon"


def entry(database: Outside, served: str) -> dict[str, Any]:
    """The Service's entry in the file, its password where the pods have it."""
    made = database.service(database.addresses, namespace=served)
    made["check"]["mysql"]["passwordFile"] = PASSWORD_FILE
    return made


def file(database: Outside, served: str, **check: float) -> str:
    return configuration.file(entry(database, served), period=PERIOD, **check)


@dataclass(frozen=True)
class Installation:
    """``namespace`` is Mooring's own, ``served`` the Service's."""

    cluster: Cluster
    database: Outside
    namespace: str
    served: str

    def kubectl(self, *words: str) -> str:
        return self.cluster.kubectl("-n", self.namespace, *words)

    def pods(self) -> dict[str, Any]:
        """Mooring's pods by name, also those that are about to end."""
        found = json.loads(self.kubectl("get", "pods", "-l", _DAEMONS, "-o", "json"))["items"]
        return {pod["metadata"]["name"]: pod for pod in found}

    def leader(self) -> str | None:
        """The pod that holds the Lease."""
        return next(iter(self._holders("mooring")), None)

    def observers(self) -> set[str]:
        """The pods that hold observer Leases."""
        return self._holders(*(f"mooring-observer-{slot}" for slot in range(SLOTS)))

    def _holders(self, *names: str) -> set[str]:
        place = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        leases = [found for name in names if (found := self.cluster.rest.get(f"{place}/{name}"))]
        holders = [str(lease["spec"].get("holderIdentity") or "") for lease in leases]
        return {name for name in self.pods() if any(holder.startswith(f"{name}-") for holder in holders)}

    def deployment(self) -> Any:
        return json.loads(self.kubectl("get", "deployment", "mooring", "-o", "json"))

    def stored(self) -> tuple[list[str], list[str]]:
        """The ready and the not ready addresses of the Endpoints."""
        path = f"/api/v1/namespaces/{self.served}/endpoints/{self.database.kind.service}"
        found = self.cluster.rest.get(path) or {}
        subsets = found.get("subsets") or ()
        lists = (
            [one["ip"] for subset in subsets for one in subset.get(name) or ()]
            for name in ("addresses", "notReadyAddresses")
        )
        return next(lists), next(lists)

    def wait_stored(self, ready: Sequence[str], not_ready: Sequence[str]) -> None:
        wanted = list(ready), list(not_ready)
        wait_until(lambda: self.stored() == wanted, 30, f"the Endpoints to be {wanted}", every=0.05)
