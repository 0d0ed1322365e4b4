"""The members of a Service, from its hosts and the addresses of their DNS names."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mooring.model.addresses import Network, forbidden, parse, sort_key
from mooring.model.events import AddressLeftOut
from mooring.model.spec import HostSpec, ServiceSpec
from mooring.model.targets import Member, Target

MISSES = 3
"""An address leaves after so many successful lookups in a row without it."""
MOST_ADDRESSES = 64
"""Addresses of one name that Mooring takes."""


@dataclass(frozen=True, slots=True)
class NameRecord:
    """The addresses of a name, sorted. ``missed``: for an address, the last lookups in a row that lacked it."""

    addresses: tuple[str, ...] = ()
    missed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Expanded:
    """The members of a Service in file order, the addresses that it leaves out, and its hosts without a member.

    ``waiting`` are hosts whose addresses are unknown: no lookup of their name has succeeded yet, or the ports of the
    Service are unknown. A stored address may be theirs.
    """

    members: tuple[Member, ...]
    left_out: tuple[AddressLeftOut, ...] = ()
    unresolved: tuple[HostSpec, ...] = ()
    waiting: tuple[HostSpec, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    """For names of ``unresolved``: the name, and why it has no address."""


def update(held: NameRecord, answer: Iterable[str] | None, *, counts: bool = True) -> NameRecord:
    """The addresses of the name after a lookup. ``counts``: the answer is fresh, so an address missing in it misses.

    None and an empty answer (no such name, no address) are failed lookups and change nothing: a zone that is broken, or
    empty by mistake, takes no traffic away. A new address enters at once, an old one leaves at its third miss.
    """
    named = frozenset(answer or ())
    if not named:
        return held
    before = dict(held.missed)
    missed = {address: before.get(address, 0) + counts for address in held.addresses if address not in named}
    staying = [address for address in held.addresses if missed.get(address, 0) < MISSES]
    new = sorted(named.difference(held.addresses), key=sort_key)
    addresses = tuple(sorted([*staying, *new][:MOST_ADDRESSES], key=sort_key))
    return NameRecord(addresses, tuple((address, missed[address]) for address in addresses if address in missed))


def members(
    spec: ServiceSpec,
    names: Mapping[str, tuple[str, ...]],
    allowed: Iterable[Network],
    reasons: Mapping[str, str] = MappingProxyType({}),
) -> Expanded:
    """The members of the Service. ``names``: the addresses of its DNS names now; ``reasons``: why a name has none."""
    networks = tuple(allowed)
    taken: dict[str, HostSpec] = {}
    also = {address: host for host in spec.hosts for address in host.also}
    left_out: list[AddressLeftOut] = []
    for host, address in _addresses(spec, names):
        why = _why_not(address, ChainMap(taken, also), networks)
        if why is None:
            taken[address] = host
        else:
            left_out.append(AddressLeftOut(spec.key, host.name, address, why))
    found = tuple(_member(spec, host, address) for address, host in taken.items())
    sources = set(taken.values())
    unresolved = tuple(host for host in spec.hosts if host not in sources)
    waiting = tuple(host for host in spec.hosts if not _addresses_of(spec, host, names))
    problems = tuple((host.address, reasons[host.address]) for host in unresolved if host.address in reasons)
    return Expanded(found, tuple(left_out), unresolved, waiting, problems)


def _addresses(spec: ServiceSpec, names: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[HostSpec, str]]:
    for host in spec.hosts:
        for address in _addresses_of(spec, host, names):
            yield host, address


def _addresses_of(spec: ServiceSpec, host: HostSpec, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if host.probe_port is None and not spec.ports:
        return ()
    return (host.address,) if parse(host.address) is not None else names.get(host.address, ())


def _why_not(address: str, taken: Mapping[str, HostSpec], networks: tuple[Network, ...]) -> str | None:
    if address in taken:
        return f"is listed already, as {taken[address].name}"
    return forbidden(address, networks)


def _member(spec: ServiceSpec, host: HostSpec, address: str) -> Member:
    check = spec.check
    port = (spec.probed or spec.ports[0]).port if host.probe_port is None else host.probe_port
    options = check.options.for_host(host.server_name, "" if host.address == address else host.address)
    target = Target(check.protocol, host.probe_address or address, port, check.timeout, options)
    return Member(spec.key, address, target, check, host)
