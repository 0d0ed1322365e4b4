"""Warns of what is allowed but seldom meant. A file with warnings is valid."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.config.merge import protocols
from mooring.config.node import Node
from mooring.config.problems import Problems

MYSQL_PORTS = frozenset({3306, 33060})
"""The default ports of MySQL's two protocols."""


def warn(root: Node, problems: Problems) -> None:
    """Adds warnings about the merged tree of a file that is valid."""
    services = root.get("services")
    for service in services.items if services else ():
        _tcp_at_mysql(service, problems)
        for host in _hosts(service):
            _other_port(service, host, problems)


def _hosts(service: Node) -> Iterator[Node]:
    hosts = service.get("hosts")
    yield from hosts.items if hosts else ()


def _tcp_at_mysql(service: Node, problems: Problems) -> None:
    tcp = service.get("check", "tcp")
    asked = {port for host in _hosts(service) if (port := host.number("probePort") or _first_port(service))}
    if tcp is None or not MYSQL_PORTS.intersection(asked):
        return
    port = min(MYSQL_PORTS.intersection(asked))
    message = (
        f"asks port {port}, which is MySQL's: such a server logs each of these connects as broken, and some block who "
        "makes many; use `mysql`"
    )
    problems.warn(tcp.at, tcp.path, message)


def _other_port(service: Node, host: Node, problems: Problems) -> None:
    port, published = host.number("probePort"), _published_ports(service)
    if port is None or not published or port in published:
        return
    node = host.fields["probePort"]
    shown = ", ".join(f"{one:g}" for one in published)
    message = f"{node.text} is probed, and {shown} published: what passes here may fail there"
    problems.warn(node.at, node.path, message)
    if sentinel := _sentinel(service):
        addresses = " or ".join(filter(None, (host.string("address"), host.string("probeAddress"))))
        asked = (
            f"the Sentinels must name this host by {addresses} and port {shown} or {node.text}; "
            f"`SENTINEL get-master-addr-by-name {sentinel.string('name')}` shows what they say"
        )
        problems.warn(node.at, node.path, asked)


def _published_ports(service: Node) -> list[float]:
    """The ports in the file; empty where Mooring reads them from the cluster."""
    ports = service.get("ports")
    return [number for port in (ports.items if ports else ()) if (number := port.number("port"))]


def _first_port(service: Node) -> float | None:
    return next(iter(_published_ports(service)), None)


def _sentinel(service: Node) -> Node | None:
    check = service.get("check")
    blocks = [check.fields[name].get("sentinel") for name in protocols(check)] if check else []
    return next((block for block in blocks if block is not None), None)
