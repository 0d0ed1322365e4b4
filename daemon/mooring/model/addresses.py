"""Which addresses may be published or probed, and in which order they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_UNPARSED = 99
_MOST_KEYS = 32_768
"""Addresses whose place is remembered: each Service is sorted anew every half minute."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What this installation allows: published addresses only inside ``allowed`` (empty: everywhere).

    What Mooring probes instead of a published address, or asks for the primary, lies inside ``probed`` (empty:
    everywhere). Without ``loopback_probes`` no probe may go to a loopback address: where several daemons run, each
    would probe its own machine and publish it as another. With it, loopback lies inside any networks.
    """

    allowed: tuple[Network, ...] = ()
    loopback_probes: bool = True
    probed: tuple[Network, ...] = ()


def parse(text: str) -> Address | None:
    """The address whose canonical form is its ``str``; None for anything else, IPv4-mapped IPv6 and zone ids too."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address.ipv4_mapped is not None):
        return None
    return address


def canonical(text: str) -> str:
    """The one spelling of an address, so that fd00:0::B equals fd00::b; anything else as it is."""
    return str(parse(text) or text)


def forbidden(address: str, allowed: Iterable[Network]) -> str | None:
    """Why an address may not be published, as the end of a sentence that begins with it; None where it may."""
    parsed = parse(address)
    if parsed is None:
        return "is not an IP address"
    networks = tuple(allowed)
    if networks and not any(parsed in network for network in networks):
        return unusable(parsed) or f"is outside the allowed CIDRs ({', '.join(map(str, networks))})"
    return unusable(parsed)


def unusable(address: Address, *, loopback: bool = False) -> str | None:
    """Why no host can have this address, whatever is allowed; with ``loopback``, this machine itself is a host too."""
    if address.is_unspecified:
        return "is the unspecified address, which no host has"
    if address.is_loopback and not loopback:
        return "is a loopback address, which is another machine for each client"
    if address.is_link_local:
        return "is a link-local address, which is not routed"
    if address.is_multicast:
        return "is a multicast address, which no single host has"
    return None


@lru_cache(_MOST_KEYS)
def sort_key(address: str) -> tuple[int, int, str]:
    """IPv4 before IPv6, each by number; what is no address comes last."""
    parsed = parse(address)
    if parsed is None:
        return (_UNPARSED, 0, address)
    return (parsed.version, int(parsed), address)
