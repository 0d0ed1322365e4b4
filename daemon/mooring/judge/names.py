"""The names that other servers may use for a host: its replicas, and the quorum that names the primary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from mooring.model.facts import place
from mooring.model.spec import Port
from mooring.model.targets import Member


def names_of(members: Iterable[Member], ports: Sequence[Port]) -> frozenset[str]:
    """All names that may mean a host of the Service, as ``address:port``; ``ports`` are those that it publishes."""
    return frozenset(name for member in members for name in _exact(member, ports) | _possible(member, ports))


def host_names(members: Sequence[Member], ports: Sequence[Port]) -> dict[str, str]:
    """The address of the member that each name means; empty where a name may mean several members.

    A host behind a mapped port has two addresses and two ports, and other servers may know it by any pair of them. A
    pair that Mooring probes or publishes means that host. Any other pair means a host only where no second host may
    have it.
    """
    exact: dict[str, str] = {}
    for member in members:
        exact |= {name: member.address for name in _exact(member, ports) if name not in exact}
    possible = {member.address: _possible(member, ports) - exact.keys() for member in members}
    bearers = Counter(name for names in possible.values() for name in names)
    found = {name: address for address, names in possible.items() for name in names}
    return exact | {name: address if bearers[name] == 1 else "" for name, address in found.items()}


def _exact(member: Member, ports: Iterable[Port]) -> set[str]:
    published = {place(address, port.port) for address in member.addresses for port in ports}
    return {place(member.target.address, member.target.port)} | published


def _possible(member: Member, ports: Iterable[Port]) -> set[str]:
    names = {member.host.name, member.host.address, member.target.address, *member.addresses}
    return {place(name, port) for name in names for port in {member.target.port, *(one.port for one in ports)}}
