"""Hosts that a Service's annotation takes out, without an edit of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mooring.decide.addresses import parse
from mooring.events import DrainChanged, DrainUnknown
from mooring.model import HostState, Member
from mooring.spec import HostSpec, ServiceKey

ANNOTATION = "mooring/drain"
"""A valid annotation key: the prefix is a DNS subdomain (of one label), the name a qualified name."""
MOST_TOLD = 20
"""Entries that name nobody; an annotation may be of 256 KiB."""
MOST_CHARACTERS = 253


@dataclass(frozen=True, slots=True)
class Drain:
    """What an annotation means for the hosts of its Service.

    ``hosts`` are names in the file with an address that is taken out, ``unknown`` the entries that name no host.
    """

    addresses: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


NOBODY = Drain()


def entries(annotation: str) -> tuple[str, ...]:
    """The annotation's comma-separated entries, each once, an IP address in its canonical form."""
    found = (text.strip()[:MOST_CHARACTERS] for text in annotation.split(","))
    return tuple(dict.fromkeys(str(parse(text) or text) for text in found if text))


def drain(wanted: Sequence[str], hosts: Sequence[HostSpec], members: Sequence[tuple[Member, HostState]]) -> Drain:
    """An entry is a host's name or address as the file has it, or another of its addresses.

    Of a DNS name an address is taken out alone; what a host is ``also`` known by shares its verdict, and so this.
    """
    if not wanted:
        return NOBODY
    named = {host.name for host in hosts if not {host.name, host.address}.isdisjoint(wanted)}
    out = [one for one, _ in members if one.host in named or not set(one.addresses).isdisjoint(wanted)]
    texts = {text for host in hosts for text in (host.name, host.address)}
    known = texts.union(*(member.addresses for member in out))
    drained = named | {member.host for member in out}
    return Drain(
        frozenset(member.address for member in out),
        tuple(host.name for host in hosts if host.name in drained),
        tuple(entry for entry in wanted if entry not in known)[:MOST_TOLD],
    )


def news(key: ServiceKey, before: Drain, after: Drain) -> tuple[DrainChanged | DrainUnknown, ...]:
    """What is to be told once."""
    changed = () if before.hosts == after.hosts else (DrainChanged(key, after.hosts),)
    return (*changed, *(DrainUnknown(key, entry) for entry in after.unknown if entry not in before.unknown))


def without_drained(
    members: Sequence[tuple[Member, HostState]], drained: Drain
) -> tuple[tuple[Member, HostState], ...]:
    """The members, those that are taken out as if the file had them in maintenance."""
    return tuple(
        (replace(member, maintenance=True) if member.address in drained.addresses else member, state)
        for member, state in members
    )
