"""A network of its own for a test: one namespace with a bridge for the prober, one for each database host.

    node  br0 10.77.0.1/24 ──┬── eth0 10.77.0.11/24  db1
                             └── eth0 10.77.0.12/24  db2

All links lie inside these namespaces, so equal addresses of concurrent tests do not meet.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from lab import leftovers
from lab.delay import Cable

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)

Rejection = Literal["host-unreachable", "admin-prohibited", "port-unreachable", "tcp-reset"]


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


@contextlib.contextmanager
def inside(netns: str | None) -> Iterator[None]:
    """Sockets that this thread makes, and processes that it starts, belong to the namespace. None: stay here."""
    if netns is None:
        yield
        return
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    inside = os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(inside)
        yield
    finally:
        _setns(before)
        os.close(inside)
        os.close(before)


def _run(*command: str, stdin: str | None = None) -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


class Host:
    """A namespace with one address, and the faults that a network can have there. Each fault stays until ``heal``."""

    def __init__(self, name: str, address: str, interface: str) -> None:
        self.name = name
        self.netns = f"{leftovers.tag()}{next(_numbers)}-{name}"
        self.address = address
        self.interface = interface
        self.uplink: tuple[Host, str] | None = None
        self._cable = contextlib.ExitStack()

    def make(self) -> None:
        _run("ip", "netns", "add", self.netns)
        self.ip("link", "set", "lo", "up")
        with inside(self.netns):  # by default a host sends one ICMP error a second to each peer
            Path("/proc/sys/net/ipv4/icmp_ratelimit").write_text("0")

    def ip(self, *words: str) -> None:
        with inside(self.netns):
            _run("ip", *words)

    def drop(self, port: int | None = None) -> None:
        """Packets that come in vanish: connections hang, held ones too."""
        self._rule("drop", port)

    def drop_new(self, port: int | None = None) -> None:
        """Only attempts to connect vanish; connections that stand go on."""
        self._rule("tcp flags & (syn | ack) == syn drop", port)

    def reject(self, how: Rejection = "host-unreachable", port: int | None = None) -> None:
        """Packets that come in are answered by an ICMP error, or by a TCP reset."""
        answer = "tcp reset" if how == "tcp-reset" else f"icmpx {how}"
        self._rule(f"meta l4proto tcp reject with {answer}", port)

    def _rule(self, rule: str, port: int | None) -> None:
        match = "" if port is None else f"tcp dport {port} "
        self.nft(
            "table inet ground { chain input { type filter hook input priority 0; "
            f'iifname "{self.interface}" {match}{rule}; }}; }}'
        )

    def nft(self, rules: str) -> None:
        with inside(self.netns):
            _run("nft", "-f", "-", stdin=rules)

    def link_down(self) -> None:
        self.ip("link", "set", self.interface, "down")

    def link_up(self) -> None:
        self.ip("link", "set", self.interface, "up")

    def slow(self, seconds: float) -> None:
        """All packets arrive so much later, both ways; connections that stand go on."""
        if self.uplink is None:
            raise RuntimeError(f"{self.name} has no cable")
        self._cable.close()
        node, port = self.uplink
        near, far = f"near-{self.name}", f"far-{self.name}"
        node.ip("link", "add", near, "type", "veth", "peer", "name", far)
        self._cable.callback(node.ip, "link", "delete", near)
        self._cable.callback(node.ip, "link", "set", port, "master", "br0", "arp", "on")
        node.ip("link", "set", port, "nomaster", "arp", "off")  # the node itself would answer there
        node.ip("link", "set", near, "up", "arp", "off")
        node.ip("link", "set", far, "master", "br0", "up")
        with inside(node.netns):
            self._cable.enter_context(Cable(port, near, seconds))

    def heal(self) -> None:
        """Takes back every fault. The first declaration makes the deletion right without a fault, too."""
        self._cable.close()
        self.nft("table inet ground {}; delete table inet ground")
        self.link_up()

    def remove(self) -> None:
        with contextlib.suppress(RuntimeError):  # what it goes through may be gone
            self._cable.close()
        leftovers.remove_namespace(self.netns)


class Network:
    """``with Network(hosts=2) as network``: ``network.node`` for the prober, ``network["db1"]`` and so on."""

    def __init__(self, hosts: int = 1) -> None:
        self._count = hosts
        self.hosts: list[Host] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self._remove)
            self.node = self._add("node", "10.77.0.1", "br0")
            self.node.ip("link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0")
            self._address(self.node)
            for number in range(1, self._count + 1):
                self.add(number)
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def __getitem__(self, name: str) -> Host:
        return next(host for host in self.hosts if host.name == name)

    def add(self, number: int) -> Host:
        """One more host, ``db<number>``; numbers up to 200."""
        host = self._add(f"db{number}", f"10.77.0.{10 + number}", "eth0")
        self._connect(host)
        return host

    def _add(self, name: str, address: str, interface: str) -> Host:
        host = Host(name, address, interface)
        self.hosts.append(host)
        host.make()
        return host

    def _address(self, host: Host) -> None:
        host.ip("address", "add", f"{host.address}/24", "dev", host.interface)
        host.ip("link", "set", host.interface, "up")

    def _connect(self, host: Host) -> None:
        port = f"to-{host.name}"
        self.node.ip("link", "add", port, "type", "veth", "peer", "name", host.interface, "netns", host.netns)
        self.node.ip("link", "set", port, "master", "br0", "up")
        host.uplink = self.node, port
        self._address(host)

    def _remove(self) -> None:
        while self.hosts:
            self.hosts.pop().remove()
