"""A whole set-up that `mooring doctor` finds sound, and that a test breaks in one place before it is looked at."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cluster.commands import Done, command
from kube.databases import PASSWORD, Outside
from kube.full_cluster import Cluster
from kube.users import Rule
from lab.process import Server
from lab.servers import Mariadb
from lab.topologies import sentinel
from lab.topologies.topology import PROBER
from lab.waiting import wait_until

PATIENT = {"periodSeconds": 5, "timeoutSeconds": 5}
"""Time enough for a busy machine to log in."""
MANAGED = {"app.kubernetes.io/managed-by": "mooring"}
LABELS = {"app": "mooring"}
"""Of Mooring's pod."""
_LISTS = ("addresses", "notReadyAddresses")
POD, LEASE = "mooring-0", "mooring"
_OBSERVERS = [f"{LEASE}-observer-{number}" for number in range(5)]


@dataclass(frozen=True)
class World:
    """What all set-ups share: real databases outside the cluster, two of a kind, and Redis with Sentinels."""

    cluster: Cluster
    mysql: Outside
    redis: Outside
    watched: sentinel.SentinelReplication

    @property
    def databases(self) -> list[Mariadb]:
        return [server for server in self.mysql.servers if isinstance(server, Mariadb)]


class SetUp:
    """One Service in a namespace of its own, its hosts, Endpoints, Lease and the pod that holds it.

    Attributes are what ``make`` and ``look`` take; a test changes them before. ``undo`` is run after the test.
    """

    def __init__(self, world: World, kind: str, namespace: str, folder: Path, undo: contextlib.ExitStack) -> None:
        self.world, self.kind, self.namespace, self.folder, self.undo = world, kind, namespace, folder, undo
        self.out = world.mysql if kind == "mysql" else world.redis
        self.protocol = self.out.kind.protocol
        self.service: dict[str, Any] | None = self.out.manifest()
        self.entry = self.out.service(self.out.addresses, namespace=namespace)
        self.ready, self.not_ready = [*self.out.addresses], list[str]()
        if kind == "sentinel":
            self._elected()
        self.file: dict[str, Any] = {"version": 1, "defaults": {"check": dict(PATIENT)}, "services": [self.entry]}
        self.text = ""
        """What stands in the file; empty: ``file``."""
        self.metadata: dict[str, Any] = {"labels": dict(MANAGED)}
        self.subsets: list[dict[str, Any]] | None = None
        """Of the Endpoints; None: ``ready`` and ``not_ready``."""
        self.lease: dict[str, Any] | None = {
            "holderIdentity": f"{POD}-abcde",
            "leaseDurationSeconds": 3600,
            "renewTime": moment(),
        }
        self.kubeconfig = world.cluster.kubeconfig
        self.config = folder / "config.yaml"
        self.words: list[str] = []
        self.env: dict[str, str] = {}
        self.mirrored = self.follows = True
        """Whether slices come to hold what the Endpoints hold, and whether traffic comes to follow."""
        self._made = False

    def _elected(self) -> None:
        """Redis that Sentinels watch, the primary published and the two others not."""
        watched = self.world.watched
        self.entry["hosts"] = [server.address for server in watched.servers]
        hosts = [server.address for server in watched.sentinels]
        secret = {"user": PROBER, "passwordFile": str(self.secret(PASSWORD))}
        self.entry["check"]["redis"] = {
            **secret,
            "role": "primary",
            "sentinel": {"name": sentinel.NAME, "hosts": hosts, **secret},
        }
        self.ready = [watched.primary.address]
        self.not_ready = [server.address for server in watched.replicas]

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.out.kind.service}"

    @property
    def block(self) -> dict[str, Any]:
        """That of the protocol."""
        found: dict[str, Any] = self.entry["check"][self.protocol]
        return found

    def secret(self, text: str | bytes, name: str = "password") -> Path:
        """A file with this content."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else f"{text}\n".encode())
        return path

    def run(self, server: Server) -> Server:
        """Starts a server for this test alone."""
        self.undo.callback(server.close)
        return server.start()

    def hosts(self, *hosts: Any, ready: Sequence[str] = ()) -> None:
        """Others than those of all; published as ready are only the named ones."""
        self.entry["hosts"] = list(hosts)
        listed = [host if isinstance(host, str) else host["address"] for host in hosts]
        addresses = [address for address in listed if address[:1].isdigit()]
        self.ready, self.not_ready = [*ready], [address for address in addresses if address not in ready]

    def poor(self, *without: str) -> None:
        """Looks as an account that lacks these, of ``rules``."""
        user = self.world.cluster.user("mooring", namespace=self.namespace)
        if rules := [rule for name, rule in self._rules().items() if name not in without]:
            user.allow(*rules)
        self.kubeconfig = user.kubeconfig

    def _rules(self) -> dict[str, Rule]:
        name, kinds = self.out.kind.service, {"observers": _OBSERVERS, "lease": [LEASE]}
        every = ["get", "list", "watch", "create", "patch"]
        coordination = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": every}
        core: dict[str, list[str]] = {"apiGroups": [""]}
        return {
            "read": {**core, "resources": ["services", "endpoints"], "verbs": every[:3]},
            "write": {**core, "resources": ["endpoints"], "verbs": every[3:], "resourceNames": [name]},
            "slices": {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": every[:3]},
            "events": {**core, "resources": ["events"], "verbs": every[3:]},
            **{kind: {**coordination, "resourceNames": names} for kind, names in kinds.items()},
        }

    def create(self, path: str, body: dict[str, Any]) -> None:
        """An object in the namespace; ``path`` is that of its kind, as ``/api/v1 pods``."""
        root, kind = path.split()
        self.world.cluster.rest.create(f"{root}/namespaces/{self.namespace}/{kind}", body)

    def make(self) -> None:
        """Makes all objects, once."""
        if self._made:
            return
        self._made = True
        if self.service is not None:
            self.create("/api/v1 services", self.service)
        if self.service is not None and (subsets := self._held()):
            metadata = {"name": self.out.kind.service, **self.metadata}
            self.create("/api/v1 endpoints", {"metadata": metadata, "subsets": subsets})
        if self.lease is not None:
            self.create("/apis/coordination.k8s.io/v1 leases", {"metadata": {"name": LEASE}, "spec": self.lease})
        self._make_pod()

    def publish(self) -> None:
        """``ready`` and ``not_ready``, in the Endpoints that are there."""
        place = f"/api/v1/namespaces/{self.namespace}/endpoints/{self.out.kind.service}"
        self.world.cluster.rest.patch(place, {"subsets": self._held()})

    def _held(self) -> list[dict[str, Any]]:
        """The subsets of the Endpoints."""
        if self.subsets is not None:
            return self.subsets
        lists = dict(zip(_LISTS, (self.ready, self.not_ready), strict=True))
        held = {name: [{"ip": one} for one in addresses] for name, addresses in lists.items() if addresses}
        return [{**held, "ports": [{"name": self.protocol, "port": self.out.kind.target}]}] if held else []

    def wait_account(self) -> None:
        """Waits for the account that every pod needs."""
        account = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/default"
        wait_until(lambda: self.world.cluster.rest.get(account), 60, "the account of pods", every=0.05)

    def _make_pod(self) -> None:
        """It is never run: the doctor looks at its labels."""
        self.wait_account()
        container = {"name": "mooring", "image": "none.invalid/mooring"}
        spec = {"schedulerName": "nobody", "containers": [container]}
        self.create("/api/v1 pods", {"metadata": {"name": POD, "labels": LABELS}, "spec": spec})

    def settle(self) -> None:
        """Waits until slices and traffic follow what is published, as far as they come to."""
        if self.mirrored:
            held = [(name, subset.get(name, ())) for subset in self._held() for name in _LISTS]
            wanted = {one["ip"]: name == "addresses" for name, listed in held for one in listed}
            wait_until(lambda: self.out.slices(self.namespace) == wanted, 45, "the mirror", every=0.05)
        if self.follows:
            self.out.wait_balanced(self.namespace, self.ready)

    def look(self) -> Done:
        """What `mooring doctor` prints about all groups, as JSON."""
        if not self.config.exists():
            self.config.write_text(self.text or json.dumps(self.file, indent=1))
        lease = ("--lease-name", LEASE, "--lease-namespace", self.namespace)
        where = ("--config", str(self.config), "--kubeconfig", str(self.kubeconfig), *lease)
        return command(self.world.cluster, "doctor", *where, "-o", "json", *self.words, env=self.env)


def moment(seconds: float = 0.0) -> str:
    """So long after now, as a Lease has it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


@contextlib.contextmanager
def worlds(cluster: Cluster, databases: Sequence[Outside]) -> Iterator[World]:
    places = [cluster.host(number) for number in (4, 5, 6)]
    with sentinel.SentinelReplication(places) as watched:
        mysql, redis = databases
        yield World(cluster, mysql, redis, watched)
