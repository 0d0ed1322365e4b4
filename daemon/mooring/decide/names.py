"""DNS names and what they hold; hosts of the file and the addresses they stand for."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mooring.decide.addresses import Network, forbidden, parse, sort_key
from mooring.events import AddressLeftOut
from mooring.model import Member, Target
from mooring.spec import HostSpec, ServiceSpec

MISSES = 3
"""Successful lookups in a row without an address before it leaves."""
BOUND = 64
"""Addresses of one name; more are not taken in."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a name holds, sorted; ``missed`` counts for some of them the lookups in a row that did not name them."""

    addresses: tuple[str, ...] = ()
    missed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Expanded:
    """The members of a Service in file order, what was left out, and the hosts that no member came from.

    ``waiting``: a name has not been resolved even once, or the Service's ports are not known yet, so nobody knows
    which of the stored addresses are listed.
    """

    members: tuple[Member, ...]
    left_out: tuple[AddressLeftOut, ...] = ()
    unresolved: tuple[HostSpec, ...] = ()
    waiting: bool = False


def update(held: Held, answer: Iterable[str] | None) -> Held:
    """What the name holds after a lookup.

    None and an empty answer (no such name, no address under it) are failed lookups: a zone that was broken or
    emptied by mistake takes no traffic away. A new address enters at once, an old one leaves at the third miss.
    """
    named = frozenset(answer or ())
    if not named:
        return held
    before = dict(held.missed)
    missed = {address: before.get(address, 0) + 1 for address in held.addresses if address not in named}
    staying = [address for address in held.addresses if missed.get(address, 0) < MISSES]
    new = sorted(named.difference(held.addresses), key=sort_key)
    addresses = tuple(sorted([*staying, *new][:BOUND], key=sort_key))
    return Held(addresses, tuple((address, missed[address]) for address in addresses if address in missed))


def members(spec: ServiceSpec, names: Mapping[str, tuple[str, ...]], allowed: Iterable[Network]) -> Expanded:
    """Every address that the Service may publish; ``names`` holds what the DNS names in it stand for now."""
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
    waiting = any(not _addressed(spec, host, names) for host in spec.hosts)
    return Expanded(found, tuple(left_out), unresolved, waiting)


def _addresses(spec: ServiceSpec, names: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[HostSpec, str]]:
    for host in spec.hosts:
        for address in _addressed(spec, host, names):
            yield host, address


def _addressed(spec: ServiceSpec, host: HostSpec, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if host.probe_port is None and not spec.ports:
        return ()
    return (host.address,) if parse(host.address) is not None else names.get(host.address, ())


def _why_not(address: str, taken: Mapping[str, HostSpec], networks: tuple[Network, ...]) -> str | None:
    if address in taken:
        return f"is listed already, as {taken[address].name}"
    return forbidden(address, networks)


def _member(spec: ServiceSpec, host: HostSpec, address: str) -> Member:
    check = spec.check
    port = spec.ports[0].port if host.probe_port is None else host.probe_port
    return Member(
        service=spec.key,
        host=host.name,
        address=address,
        target=Target(check.protocol, host.probe_address or address, port, check.timeout, check.options),
        period=check.period,
        thresholds=check.thresholds,
        expect=check.expect,
        maintenance=host.maintenance,
        also=host.also,
        zone=host.zone,
        backup=host.backup,
        edge=check.edge,
        login=check.login,
        when_saturated=check.when_saturated,
        requirement=check.requirement,
    )
