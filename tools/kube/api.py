"""The API tier: etcd and an API server. On loopback it needs no root."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from kube import build, kubectl, machine, pressure
from kube.component import Part
from kube.credentials import Credentials
from kube.http_api import Rest
from kube.users import User
from lab import leftovers
from lab.free_ports import free_port
from lab.network import inside
from lab.waiting import wait_until

_LOOPBACK = "127.0.0.1"


def component(name: str) -> list[str]:
    """The command of a component of Kubernetes."""
    assets = machine.assets()
    if assets and (assets / name).exists():
        return [str(assets / name)]
    return [str(build.directory() / "k8s"), name]


class Api:
    """etcd and an API server. ``with Api() as api`` starts and ends them.

    On loopback with free ports, or at ``address`` inside a namespace. ``server`` and ``etcd`` are parts that a test
    can hurt, ``rest`` reads and writes as the administrator, ``kubeconfig`` is the administrator's.
    """

    def __init__(self, *, netns: str | None = None, address: str = _LOOPBACK) -> None:
        self.netns = netns
        self.address = address
        self.port = 6443 if netns else free_port()
        self.parts: list[Part] = []
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self.prepare()
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.port}"

    def prepare(self) -> None:
        """Makes folder, keys and parts; starts nothing."""
        self.directory = self._undo.enter_context(leftovers.scratch("cluster"))
        self.credentials = Credentials(self.directory / "keys", self.address)
        self.kubeconfig = self.write_kubeconfig("admin", {"token": self.credentials.admin_token})
        authority = self.credentials.server.authority
        self.rest = Rest(self.address, self.port, authority, self.credentials.admin_token, self.netns)
        self._etcd_ports = (2379, 2380) if self.netns else (free_port(), free_port())
        self.etcd = self.part("etcd", [*component("etcd"), *self._etcd_options()], self._etcd_healthy)
        self.server = self.part("kube-apiserver", [*component("kube-apiserver"), *self._options()], self._server_ready)

    def part(self, name: str, words: Sequence[str], ready: Callable[[], bool] = lambda: True, **more: Any) -> Part:
        """A component that ends with the cluster, not started yet; ``more`` is what ``Part`` takes besides."""
        made = Part(name, words, directory=self.directory, netns=self.netns, ready=ready, **more)
        self.parts.append(made)
        return made

    def write_kubeconfig(self, name: str, user: dict[str, Any], *, namespace: str = "default") -> Path:
        path = self.directory / f"{name}.kubeconfig"
        return self.credentials.kubeconfig(path, self.url, user, namespace=namespace)

    def start(self) -> None:
        self.etcd.start()
        self.server.start()

    def _etcd_options(self) -> list[str]:
        client, peer = (f"http://{_LOOPBACK}:{port}" for port in self._etcd_ports)
        return [
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",  # nothing here is to outlive the machine
            "--log-level=warn",
        ]

    def _options(self) -> list[str]:
        keys = self.credentials
        alone = [] if self.netns else ["--endpoint-reconciler-type=none"]  # no Endpoints may hold a loopback address
        return [
            f"--etcd-servers=http://{_LOOPBACK}:{self._etcd_ports[0]}",
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",
            f"--secure-port={self.port}",
            f"--tls-cert-file={keys.server.certificate}",
            f"--tls-private-key-file={keys.server.key}",
            f"--token-auth-file={keys.known_tokens}",
            "--authorization-mode=RBAC",
            "--allow-privileged",
            "--storage-media-type=application/json",  # so that ``Versions`` can read what etcd has
            "--profiling=false",
            "--kubelet-preferred-address-types=InternalIP",  # for kubectl logs and exec; nobody here knows nodes' names
            "--service-cluster-ip-range=10.96.0.0/16,fd96::/112",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={keys.signing_public_key}",
            f"--service-account-signing-key-file={keys.signing_key}",
            *alone,
        ]

    def _etcd_healthy(self) -> bool:
        return "true" in self.ask_etcd("GET", "/health")

    def _server_ready(self) -> bool:
        return self.rest.ask("GET", "/readyz", timeout=20).status == http.HTTPStatus.OK

    def ask_etcd(self, method: str, path: str, body: str | None = None) -> str:
        with contextlib.closing(self.etcd_connection(timeout=30)) as connection:
            connection.request(method, path, body)
            return connection.getresponse().read().decode()

    def etcd_connection(self, timeout: float) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(_LOOPBACK, self._etcd_ports[0], timeout=timeout)
        with inside(self.netns):
            connection.connect()
        return connection

    def enter(self, *words: str) -> str:
        """Runs a command where the API server is, and returns what it printed."""
        with inside(self.netns):
            return subprocess.run(words, capture_output=True, text=True, timeout=120, check=True).stdout

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """Runs kubectl as the administrator, and returns what it printed.

        Raises:
            RuntimeError: it failed; the message has what it said.
        """
        return kubectl.run(self.kubeconfig, *words, netns=self.netns, stdin=stdin, check=check)

    @contextlib.contextmanager
    def namespace(self) -> Iterator[str]:
        """A new namespace; at the end it is deleted, without waiting until all of it is gone."""
        name = f"test-{secrets.token_hex(4)}"
        self.rest.create("/api/v1/namespaces", {"metadata": {"name": name}})
        try:
            yield name
        finally:
            self.heal()
            self.rest.delete(f"/api/v1/namespaces/{name}")

    def user(self, name: str, *, namespace: str = "default") -> User:
        """A new user who may do nothing yet."""
        return User(self, name, namespace)

    def too_busy(self, user: User) -> contextlib.AbstractContextManager[None]:
        """Inside, the API server answers this user 429."""
        return pressure.too_busy(self, user)

    def compact(self) -> int:
        """Makes etcd forget all but the newest version of each object; returns the revision that is the oldest now.

        A watch from before is answered 410 only where the API server asks etcd, not its own cache: start it by
        ``server.restart("--watch-cache-sizes=endpoints#0,services#0")``, or ``restart`` it after the compaction.
        """
        status = json.loads(self.ask_etcd("POST", "/v3/maintenance/status", "{}"))
        revision = int(status["header"]["revision"])
        self.ask_etcd("POST", "/v3/kv/compaction", json.dumps({"revision": revision, "physical": True}))
        return revision

    def heal(self) -> None:
        """Takes back what a test did to the parts: afterwards all run and serve."""
        for part in self.parts:
            part.heal()
        for part in self.parts:
            part.wait()
        wait_until(self._reads_namespaces, 20, "the API server to have its way back to etcd")

    def _reads_namespaces(self) -> bool:
        """The API server has a connection to etcd for each kind, and calls itself ready by another one."""
        return self.rest.ask("GET", "/api/v1/namespaces/default").status == http.HTTPStatus.OK

    def close(self) -> None:
        """Ends all that was started, and removes it."""
        self._end_parts()
        self._undo.close()

    def _end_parts(self) -> None:
        for part in reversed(self.parts):
            part.kill()
