"""The rules of a Service's ``hosts``: addresses that can be published and probed, each once."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from mooring.config.models import MOST_HOSTS
from mooring.config.node import Node
from mooring.config.problems import Problems
from mooring.decide.addresses import AddressPolicy, forbidden, parse, unusable

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.IGNORECASE)
_MOST_NAME = 253
_WANTED = "must be an IP address or a DNS name"


def canonical(address: str) -> str:
    """One spelling for equal addresses: canonical IP addresses, DNS names in small letters without a last dot."""
    parsed = parse(address)
    return str(parsed) if parsed else address.lower().removesuffix(".")


def check_hosts(hosts: Node, policy: AddressPolicy, problems: Problems) -> None:
    if len(hosts.items) > MOST_HOSTS:
        return
    addresses: dict[str, Node] = {}
    names = _implied_names(hosts)
    for host in hosts.items:
        if address := host.string("address"):
            _address(host, address, policy, problems)
            _once(host.fields["address"], canonical(address), addresses, problems)
        if name := host.string("name"):
            _once(host.fields["name"], name, names, problems)
        _probe_address(host, policy, problems)


def _implied_names(hosts: Node) -> dict[str, Node]:
    """The hosts that are called by their address, for want of a name."""
    unnamed = (host.fields["address"] for host in hosts.items if host.string("address") and not host.has("name"))
    return {canonical(str(address.value)): address for address in unnamed}


def _once(node: Node, key: str, seen: dict[str, Node], problems: Problems) -> None:
    first = seen.setdefault(key, node)
    if first is not node:
        problems.add(node.at, node.path, f"{node.shown()} is {first.path} already; must be listed once in a Service")


def _address(host: Node, address: str, policy: AddressPolicy, problems: Problems) -> None:
    node = host.fields["address"]
    if len(address) > _MOST_NAME:
        return
    if parse(address):
        why = forbidden(address, policy.allowed)
        if why:
            problems.add(
                node.at, node.path, f"{address} {why}; must be an address that clients of the Service can reach"
            )
    elif why := _no_name(address):
        problems.add(node.at, node.path, f"{why}; {_WANTED}, is {node.shown()}")


def _no_name(text: str) -> str | None:
    """Why a text that is no usable IP address is no DNS name either (RFC 1123, section 2.1)."""
    if special := _no_address(text):
        return special
    labels = text.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return "is neither an IP address nor a DNS name"
    return "is not an IP address, and a DNS name does not end in a number" if labels[-1].isdigit() else None


def _no_address(text: str) -> str | None:
    """Why a text that the standard library takes for an IP address is none that can be published or probed."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return None
    if address.scope_id is not None:
        return "has a zone id, which means something on one machine only"
    return f"is an IPv4-mapped IPv6 address (write {address.ipv4_mapped})" if address.ipv4_mapped else None


def _probe_address(host: Node, policy: AddressPolicy, problems: Problems) -> None:
    text = host.string("probeAddress")
    if not text:
        return
    node, parsed, published = host.fields["probeAddress"], parse(text), host.string("address")
    if parsed is None:
        wrong = _no_address(text) or "is not an IP address"
        problems.add(node.at, node.path, f"{wrong}; must be an IP address, is {node.shown()}")
    elif why := unusable(parsed, loopback=policy.loopback_probes):
        problems.add(node.at, node.path, f"{text} {_probe_words(why, loopback=parsed.is_loopback)}")
    if published and not parse(published) and not _no_name(published):
        message = "must not stand beside a DNS name: one probe address cannot tell of all the addresses of a name"
        problems.add(node.at, node.path, message)


def _probe_words(why: str, *, loopback: bool) -> str:
    if loopback:
        return (
            "is a loopback address: with leader election on, each daemon would probe its own machine; "
            "must be the host's own address, save with --no-leader-elect or --cluster local"
        )
    return f"{why}; must be an address that can be probed"
