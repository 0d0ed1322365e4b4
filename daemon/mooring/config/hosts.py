"""Checks the ``hosts`` of a Service: addresses that Mooring can publish and probe, each listed once."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from mooring.config.damping import MOST_HOSTS
from mooring.config.node import Node
from mooring.config.problems import TEMPLATE_HINT, Problems, quoted
from mooring.model.addresses import AddressPolicy, forbidden, parse, unusable

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.IGNORECASE)
_MOST_NAME = 253
_MUST_BE = "must be an IP address or a DNS name"


def canonical(address: str) -> str:
    """The one spelling of an address: a canonical IP address, or a DNS name in small letters without a last dot."""
    parsed = parse(address)
    return str(parsed) if parsed else address.lower().removesuffix(".")


def check_hosts(hosts: Node, policy: AddressPolicy, problems: Problems) -> None:
    if len(hosts.items) > MOST_HOSTS:
        return
    addresses: dict[str, Node] = {}
    names = _implied_names(hosts)
    for host in hosts.items:
        _check_addresses(host, problems)
        for node, address in _published_addresses(host):
            if node is host.get("address") or parse(address):
                _address(node, address, policy, problems)
            _once(node, canonical(address), addresses, problems)
        if name := host.string("name"):
            _once(host.fields["name"], name, names, problems)
        _probe_address(host, policy, problems)


def _published_addresses(host: Node) -> list[tuple[Node, str]]:
    """Each address that the host publishes, with its node."""
    listed = host.get("addresses")
    nodes = (*([host.fields["address"]] if host.string("address") else []), *(listed.items if listed else ()))
    return [(node, node.value) for node in nodes if isinstance(node.value, str) and node.value]


def _check_addresses(host: Node, problems: Problems) -> None:
    """A host has either ``address``, of any kind, or ``addresses``: IP addresses of one machine, one of each family."""
    listed = host.get("addresses")
    if host.has("address") and host.has("addresses"):
        node = host.fields["addresses"]
        problems.add(node.at, node.path, "must not stand beside address; list all addresses here")
    elif host.is_mapping and not host.has("address") and not host.has("addresses"):
        problems.add(host.at, f"{host.path}.address", f"is missing; {_MUST_BE}")
    families: dict[int, Node] = {}
    for node in listed.items if listed else ():
        _of_other_family(node, families, problems)


def _of_other_family(node: Node, families: dict[int, Node], problems: Problems) -> None:
    if not isinstance(node.value, str) or not node.value:
        return
    parsed = parse(node.value)
    if parsed is None:
        wrong = _why_no_address(node.value) or _almost_address(node.value) or "is not an IP address"
        problems.add(node.at, node.path, f"{wrong}; must be an IP address, is {node.shown()}")
    elif (first := families.setdefault(parsed.version, node)) is not node:
        message = f"is IPv{parsed.version} as {first.path} is; must be of the other family, or another host"
        problems.add(node.at, node.path, message)


def _implied_names(hosts: Node) -> dict[str, Node]:
    """Hosts without a name, by their first address, which is their name then."""
    unnamed = (_published_addresses(host) for host in hosts.items if not host.has("name"))
    return {canonical(found[0][1]): found[0][0] for found in unnamed if found}


def _once(node: Node, key: str, seen: dict[str, Node], problems: Problems) -> None:
    first = seen.setdefault(key, node)
    if first is not node:
        problems.add(node.at, node.path, f"{node.shown()} is {first.path} already; must be listed once in a Service")


def _address(node: Node, address: str, policy: AddressPolicy, problems: Problems) -> None:
    if len(address) > _MOST_NAME:
        return
    if parse(address):
        why = forbidden(address, policy.allowed)
        if why:
            problems.add(
                node.at, node.path, f"{address} {why}; must be an address that clients of the Service can reach"
            )
    elif why := _why_no_name(address):
        problems.add(node.at, node.path, f"{why}; {_MUST_BE}, is {node.shown()}")


def _why_no_name(text: str) -> str | None:
    """Why a text that is no usable IP address is no DNS name either (RFC 1123, section 2.1); None: it is one."""
    if special := _why_no_address(text) or _almost_address(text):
        return special
    labels = text.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return "is neither an IP address nor a DNS name"
    if labels[-1].lower() == "localhost" or text.lower() == "localhost.localdomain":
        return "is this machine itself, which is another one for each client"
    return "is not an IP address, and a DNS name does not end in a number" if labels[-1].isdigit() else None


def _almost_address(text: str) -> str | None:
    """What is wrong with a text that is almost an address, and what to write; None: it is not."""
    if "{{" in text:
        return TEMPLATE_HINT
    bare = text.strip()
    if bare and bare != text:
        return f"has white space at an end (write {quoted(bare)})"
    if text.startswith("[") and parse(text[1:-1]) and text.endswith("]"):
        return f"has brackets, which only stand before a port (write {text[1:-1]})"
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and ((host.startswith("[") and host.endswith("]")) or (":" not in host and host)):
        return f"has a port, which stands in `ports` or `probePort` (write {host.strip('[]')})"
    if "_" in text and not _why_no_name(text.replace("_", "x")):
        return "has a `_`, which no name of a host may have (RFC 1123)"
    return None


def _why_no_address(text: str) -> str | None:
    """Why Mooring can neither publish nor probe an address that Python's ``ip_address`` accepts; None: it can."""
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
        wrong = _why_no_address(text) or _almost_address(text) or "is not an IP address"
        problems.add(node.at, node.path, f"{wrong}; must be an IP address, is {node.shown()}")
    elif why := why_not_probed(text, policy):
        problems.add(node.at, node.path, f"{text} {why}")
    if published and not parse(published) and not _why_no_name(published):
        message = "must not stand beside a DNS name: a probe of one address shows nothing about the others of a name"
        problems.add(node.at, node.path, message)


def why_not_probed(text: str, policy: AddressPolicy) -> str | None:
    """Why Mooring may not probe this IP address, as words that follow it; None: it may."""
    parsed = parse(text)
    why = unusable(parsed, loopback=policy.loopback_probes) if parsed else "is not an IP address"
    if why:
        return _with_advice(why, loopback=bool(parsed and parsed.is_loopback))
    if parsed is None or parsed.is_loopback or not policy.probed or any(parsed in one for one in policy.probed):
        return None
    return f"is outside --probe-cidrs ({', '.join(map(str, policy.probed))}); nothing else may be probed"


def _with_advice(why: str, *, loopback: bool) -> str:
    if loopback:
        return (
            "is a loopback address: with leader election on, each daemon would probe its own machine; "
            "use the host's own address, or run with --no-leader-elect or --cluster local"
        )
    return f"{why}; must be an address that can be probed"
