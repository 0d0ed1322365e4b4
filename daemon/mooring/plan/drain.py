"""Hosts that an annotation of their Service drains, without an edit of the file.

``mooring/drain: db2,db3;until=2026-11-26T03:00:00Z;by=ada;reason=moving%20the%20disk``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from mooring.model.events import DrainChanged, DrainEnded, DrainUnknown
from mooring.model.overrides import Drained
from mooring.model.publish_events import LastReadyDrained
from mooring.model.spec import HostSpec, ServiceKey
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Verdict
from mooring.plan.annotation import encoded, entries, fields, head, moment, until_text, written

ANNOTATION = "mooring/drain"
"""A valid annotation key: the prefix is a DNS subdomain (of one label), the name a qualified name."""
MOST_UNKNOWN = 20
"""Entries without a host that Mooring reports; an annotation may have 256 KiB."""
MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Drain:
    """An annotation, applied to the hosts of its Service at one moment.

    ``addresses`` are drained, ``hosts`` are the names of their hosts in the file, ``unknown`` entries have no host.
    ``ended``: names of hosts whose entry is over. ``ends_at``: when the first entry ends, in Unix seconds.
    """

    addresses: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    ends_at: float | None = None
    asked: tuple[Drained, ...] = field(default=(), compare=False)
    """The entries that are not over yet."""

    def entry(self, host: HostSpec, addresses: Collection[str] = ()) -> Drained | None:
        """The first entry that names the host, or one of these addresses of it; None: none does."""
        return next((one for one in self.asked if one.host in {host.name, host.address, *addresses}), None)


NO_DRAIN = Drain()


def parse_drain(annotation: str) -> tuple[Drained, ...]:
    """The entries of the annotation, the first of each host; an IP address in its canonical form."""
    found: dict[str, Drained] = {}
    for text in entries(annotation, MOST_ENTRIES):
        one = _parse_entry(text)
        found.setdefault(one.host, one)
    return tuple(found.values())


def _parse_entry(text: str) -> Drained:
    found = fields(text.split(";")[1:])
    return Drained(head(text), moment(found.get("until", "")), found.get("by", ""), found.get("reason", ""))


def write_drain(drained: Iterable[Drained]) -> str:
    """The annotation's text; empty without an entry."""
    return ",".join(
        ";".join(filter(None, (encoded(one.host), written(_values(one))))) for one in sorted(drained, key=_host)
    )


def _host(one: Drained) -> str:
    return one.host


def _values(one: Drained) -> dict[str, str]:
    return {"until": until_text(one.until), "by": one.by, "reason": one.reason}


def drain(
    asked: Sequence[Drained], hosts: Sequence[HostSpec], members: Sequence[tuple[Member, HostState]], now: float
) -> Drain:
    """Applies the entries that are not over yet; ``now`` in Unix seconds.

    An entry is the name or address of a host in the file, or another address of that host. One address of a DNS name is
    drained alone. The ``also`` addresses of a host share its verdict, and so its drain.
    """
    if not asked:
        return NO_DRAIN
    over = [one.host for one in asked if one.until is not None and one.until <= now]
    desired = [one.host for one in asked if one.host not in over]
    addresses, names = _matching(desired, hosts, members)
    texts = {text for host in hosts for text in (host.name, host.address)}
    known = texts.union(*(member.addresses for member, _ in members))
    ends = [one.until for one in asked if one.until is not None and one.until > now]
    return Drain(
        addresses,
        names,
        tuple(entry for entry in desired if entry not in known)[:MOST_UNKNOWN],
        _matching(over, hosts, members)[1],
        min(ends, default=None),
        tuple(one for one in asked if one.host not in over),
    )


def _matching(
    texts: Sequence[str], hosts: Sequence[HostSpec], members: Sequence[tuple[Member, HostState]]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """The addresses and the names of hosts that these texts name."""
    named = {host.name for host in hosts if not {host.name, host.address}.isdisjoint(texts)}
    out = [one for one, _ in members if one.host.name in named or not set(one.addresses).isdisjoint(texts)]
    found = named | {member.host.name for member in out}
    return frozenset(member.address for member in out), tuple(host.name for host in hosts if host.name in found)


def drain_news(
    key: ServiceKey, view: Sequence[tuple[Member, HostState]], before: Drain, after: Drain, *, served: bool
) -> tuple[DrainChanged | DrainEnded | DrainUnknown | LastReadyDrained, ...]:
    """The events of a change; each is emitted once. ``served``: the stored objects have ready addresses as yet."""
    changed = () if before.hosts == after.hosts else (DrainChanged(key, after.hosts),)
    ended = tuple(name for name in after.ended if name in before.hosts and name not in after.hosts)
    unknown = (DrainUnknown(key, entry) for entry in after.unknown if entry not in before.unknown)
    last = last_ready(view, before, after) if served else ()
    emptied = (LastReadyDrained(key, last),) if last else ()
    return (*changed, *emptied, *(DrainEnded(key, name) for name in ended), *unknown)


def last_ready(members: Sequence[tuple[Member, HostState]], before: Drain, after: Drain) -> tuple[str, ...]:
    """The names of ready hosts that the change drains though no other host is ready; empty: it drains none of these."""
    ready = [one for one, state in members if state.verdict is Verdict.READY and not one.host.maintenance]
    fresh = {one.host.name for one in ready if one.address in after.addresses - before.addresses}
    return () if any(one.address not in after.addresses for one in ready) else tuple(sorted(fresh))


def without_drained(
    members: Sequence[tuple[Member, HostState]], drained: Drain
) -> tuple[tuple[Member, HostState], ...]:
    """The members; those that are drained look as if the file had them in maintenance."""
    return tuple((_in_maintenance(one) if one.address in drained.addresses else one, state) for one, state in members)


def _in_maintenance(member: Member) -> Member:
    return replace(member, host=replace(member.host, maintenance=True))
