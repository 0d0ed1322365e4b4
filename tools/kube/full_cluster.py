"""A whole cluster in network namespaces of its own, beside hosts for databases.

10.77.0.1      the node: control plane, kubelet and containerd, kube-proxy, the cluster's name server
10.77.0.11...  database hosts, namespaces on the node's bridge
10.96.0.0/16   Services
10.244.0.0/16  pods; 10.244.255.2 is an application without a pod

All but pods have IPv6 as well: fd00:77::1 the node, fd00:77::11... the hosts, fd96::/112 Services, fd00:244::2 the
application.
"""

from __future__ import annotations

from pathlib import Path

from kube import node
from kube.api import Api, component
from kube.application import Application
from kube.component import Part
from lab import leftovers
from lab.network import Host, Network, inside
from lab.waiting import wait_until

_NOWHERE = ("10.77.0.254", "fd00:77::254")  # addresses of Services need a route to be sent; kube-proxy rewrites them
_SIX = "fd00:77::1"


def six(host: Host) -> str:
    """The IPv6 address of a host."""
    return f"fd00:77::{host.address.rpartition('.')[2]}"


class Cluster(Api):
    """``with Cluster() as cluster`` starts it, and removes all of it. See ``Api`` for what it has besides.

    ``node`` has the node's parts, ``manager`` and ``scheduler`` are the control plane's.
    """

    def __init__(self) -> None:
        self.network = Network(hosts=0)
        super().__init__(netns="", address="10.77.0.1")

    def prepare(self) -> None:
        self._undo.enter_context(self.network)
        self.netns = self.network.node.netns
        self.network.node.ip("address", "add", f"{_SIX}/64", "dev", "br0", "nodad")
        for nowhere in _NOWHERE:
            self.network.node.ip("route", "add", "default", "via", nowhere)
        with inside(self.netns):
            for forwarding in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                Path("/proc/sys/net", forwarding).write_text("1")
        super().prepare()
        self.node = node.Node(self, six=_SIX)
        self.manager = self._controller(
            "kube-controller-manager",
            f"--service-account-private-key-file={self.credentials.signing_key}",
            f"--root-ca-file={self.credentials.server.authority}",
        )
        self.scheduler = self._controller("kube-scheduler")
        self.application = Application(self.network, self.directory, nameserver=self.address)

    def _controller(self, name: str, *options: str) -> Part:
        usual = (f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--bind-address=127.0.0.1")
        return self.part(name, [*component(name), *usual, *options])

    def start(self) -> None:
        """Everything starts as early as what it needs is there."""
        self.node.mounts.start()
        self.node.containerd.start(wait=False)
        super().start()
        for part in (self.manager, self.scheduler, self.node.kubelet, self.node.dns):
            part.start(wait=False)
        self.application.make()
        self.node.containerd.wait()
        self.node.load_pause()
        self.node.kubelet.wait()
        self.node.proxy.start()  # it looks for its Node once, then waits long
        for part in self.parts:
            part.wait()
        wait_until(self.node.ready, 60, "the node to be ready", every=0.1)

    def host(self, number: int) -> Host:
        """A database host, made when first asked for; its faults are those of ``lab.network.Host``."""
        name = f"db{number}"
        if name not in {host.name for host in self.network.hosts}:
            made = self.network.add(number)
            with inside(made.netns):  # else a link that goes down takes them along
                Path("/proc/sys/net/ipv6/conf/eth0/keep_addr_on_down").write_text("1")
            made.ip("address", "add", f"{six(made)}/64", "dev", "eth0", "nodad")
            for gateway in (self.address, _SIX):
                made.ip("route", "add", "default", "via", gateway)
        return self.network[name]

    def heal(self) -> None:
        """Takes back what a test did to parts and to hosts' networks: afterwards all parts run and serve."""
        for host in self.network.hosts:
            host.heal()
        super().heal()

    def close(self) -> None:
        self._end_parts()
        if hasattr(self, "node"):
            leftovers.end(list(leftovers.inside(self.directory)))  # each pod's shim
            leftovers.remove_group(self.node.group)
        super().close()
