"""An application on the node: it logs in as one in a pod would, by address or by the Service's name."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kube import settings
from lab.network import Host, Network, inside

_ADDRESS = "10.244.255.2"
_GATEWAY = "10.244.255.1"
_SIX, _GATEWAY_SIX = "fd00:244::2", "fd00:244::1"
_LOGIN = Path(__file__).with_name("login.py")
_WITH_RESOLVER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


@dataclass(frozen=True, slots=True)
class Login:
    """How one login went: ``server`` is the address that the server which let it in is bound to."""

    server: str | None
    error: str | None
    seconds: float


class Application:
    """A namespace with an address among the pods', routed by the node, and with a pod's resolver."""

    def __init__(self, network: Network, directory: Path, *, nameserver: str) -> None:
        self._nameserver = nameserver
        self._directory = directory
        self._host = Host("application", _ADDRESS, "eth0")
        self._network = network

    @property
    def netns(self) -> str:
        return self._host.netns

    def make(self) -> Self:
        host, node = self._host, self._network.node
        self._network.hosts.append(host)
        host.make()
        node.ip("link", "add", "to-application", "type", "veth", "peer", "name", "eth0", "netns", host.netns)
        node.ip("address", "add", f"{_GATEWAY}/24", "dev", "to-application")
        node.ip("address", "add", f"{_GATEWAY_SIX}/64", "dev", "to-application", "nodad")
        node.ip("link", "set", "to-application", "up")
        host.ip("address", "add", f"{_ADDRESS}/24", "dev", "eth0")
        host.ip("address", "add", f"{_SIX}/64", "dev", "eth0", "nodad")
        host.ip("link", "set", "eth0", "up")
        for gateway in (_GATEWAY, _GATEWAY_SIX):
            host.ip("route", "add", "default", "via", gateway)
        return self

    def run(self, *words: str, namespace: str = "default", timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs a command there; names are looked up as in a pod of this Kubernetes namespace."""
        resolver = self._directory / f"resolver-{namespace}"
        resolver.write_text(settings.resolver(self._nameserver, namespace))
        command = ["unshare", "--mount", "sh", "-c", _WITH_RESOLVER, str(resolver), *words]
        with inside(self._host.netns):
            return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    def resolve(self, name: str, *, namespace: str = "default") -> list[str]:
        """The IPv4 addresses of a name; none where it has none."""
        told = self.run("getent", "ahostsv4", name, namespace=namespace)
        return sorted({line.split()[0] for line in told.stdout.splitlines()})

    def logins(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        user: str,
        password: str,
        count: int = 1,
        namespace: str = "default",
    ) -> list[Login]:
        """Logs in ``count`` times, afresh each time, one after the other; ``protocol`` is mysql or redis."""
        words = [sys.executable, str(_LOGIN), protocol, host, str(port), user, password, str(count)]
        done = self.run(*words, namespace=namespace, timeout=300 + 5 * count)
        if done.returncode:
            raise RuntimeError(f"{_LOGIN.name} failed: {done.stderr}")
        return [Login(**one) for one in json.loads(done.stdout)]
