"""Services in a namespace of an API server, over real Redis servers on loopback that are published as 10.20.0.x."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kube.api import Api
from kube.daemon import ClusterDaemon
from kube.versions import Versions
from lab.configuration import at, file, service
from lab.history import Version, addresses
from lab.mooring import PROGRAM, Daemon
from lab.process import start_all
from lab.servers import Redis
from lab.waiting import wait_until

ONE, TWO, STRANGER = "10.20.0.21", "10.20.0.22", "10.20.0.99"
PORT = {"name": "redis", "port": 6379}
RIGHTS = (
    {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["get", "list", "watch", "create", "patch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
)

Published = tuple[list[str], list[str]]
"""Ready and not ready addresses of one version."""
BOTH: Published = ([ONE, TWO], [])
FIRST: Published = ([ONE], [TWO])
SECOND: Published = ([TWO], [ONE])
NEITHER: Published = ([], [ONE, TWO])


@contextlib.contextmanager
def redis_servers(count: int) -> Iterator[list[Redis]]:
    with contextlib.ExitStack() as undo:
        servers = [Redis() for _ in range(count)]
        for server in servers:
            undo.callback(server.close)
        start_all(*servers)
        yield servers


class Stage:
    """One namespace, and what is done there by others than Mooring."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.namespace = namespace

    def path(self, kind: str, name: str = "") -> str:
        place = f"/api/v1/namespaces/{self.namespace}/{kind}"
        return f"{place}/{name}" if name else place

    def key(self, name: str = "db") -> str:
        return f"{self.namespace}/{name}"

    def serve(self, *names: str) -> None:
        """Makes Services without a selector."""
        for name in names:
            spec = {"ports": [{**PORT, "targetPort": 6379}]}
            self.api.rest.create(self.path("services"), {"metadata": {"name": name}, "spec": spec})

    def file(self, services: Mapping[str, Sequence[Redis]], **more: Any) -> str:
        """A configuration of Services whose first host is published as ONE, the second as TWO."""
        entries = [
            service(
                name,
                "redis",
                [at(address, server) for address, server in zip((ONE, TWO), servers, strict=False)],
                namespace=self.namespace,
            )
            for name, servers in services.items()
        ]
        return file(*entries, **more)

    def daemon(
        self, text: str, *, kubeconfig: Path | None = None, program: Sequence[str] = PROGRAM
    ) -> contextlib.AbstractContextManager[Daemon]:
        """A daemon that logs every probe."""
        args = ("--no-leader-elect", "--log-level", "debug")
        return ClusterDaemon(text, self.api, kubeconfig=kubeconfig, args=args, program=program)

    def edit(self, body: Mapping[str, Any], *, manager: str = "kubectl-edit", name: str = "db") -> Any:
        """Somebody else's merge patch of the Endpoints; returns what is stored then."""
        return self.api.rest.patch(f"{self.path('endpoints', name)}?fieldManager={manager}", body)

    def events(self, reason: str, name: str = "db") -> list[str]:
        """The messages of a Service's Events of this reason, as `kubectl describe service` finds them."""
        found = self.api.rest.get(self.path("events"))["items"]
        uid = self.api.rest.get(self.path("services", name))["metadata"]["uid"]
        return [one["message"] for one in found if (one["reason"], one["involvedObject"]["uid"]) == (reason, uid)]


def subsets(ready: Sequence[str], not_ready: Sequence[str] = ()) -> dict[str, Any]:
    """A patch, as somebody writes it by hand."""
    lists = {"addresses": [{"ip": ip} for ip in ready], "notReadyAddresses": [{"ip": ip} for ip in not_ready]}
    return {"subsets": [{**{name: held for name, held in lists.items() if held}, "ports": [PORT]}]}


def published(history: Versions, key: str) -> list[Published | None]:
    """What each version says, the oldest first; None where the object was deleted."""
    return [_said(version) for version in history.of(key)]


def last(history: Versions, key: str) -> Published | None:
    """What the newest version says; None also where there is none yet."""
    return next(iter(published(history, key)[::-1]), None)


def _said(version: Version) -> Published | None:
    """JSON is what etcd holds here, which is read much faster than YAML: a second writer makes many versions."""
    if version.text is None:
        return None
    manifest = json.loads(version.text)
    return addresses(manifest, "addresses"), addresses(manifest, "notReadyAddresses")


def wait_published(history: Versions, key: str, wanted: Sequence[Published | None], *, timeout: float = 10) -> None:
    """Waits for a version, and asserts that these are all versions until then."""
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: len(published(history, key)) >= len(wanted), timeout, "so many versions")
    assert published(history, key) == list(wanted)


def probed(daemon: Daemon, rounds: int = 3) -> None:
    """Waits until every target was probed so often from now on: probing goes on."""
    after = len(daemon.output)
    ports = {line["port"] for line in daemon.logs("probe")}
    each: Callable[[int], bool] = lambda port: len(daemon.logs("probe", after=after, port=port)) >= rounds  # noqa: E731
    wait_until(lambda: ports and all(each(port) for port in ports), 10, f"{rounds} rounds of probes")


def alive(daemon: Daemon) -> bool:
    return daemon.get("/livez")[0] == 200
