"""The change from the stored Endpoints to the desired ones, as a value to show, refuse or make."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from mooring.model.addresses import sort_key
from mooring.model.memory import NOTHING, Memory
from mooring.model.objects import EndpointsWrite, Refusal, StoredEndpoints, Subset
from mooring.model.spec import Adopt, Port, ServiceKey

_MOST_NAMED = 8
"""Addresses that one message names; a forgotten object may hold a thousand."""


def plan(
    key: ServiceKey,
    listed: frozenset[str],
    adopt: Adopt,
    stored: StoredEndpoints | None,
    desired: tuple[Subset, ...],
    *,
    skip_mirror: bool = False,
    memory: Memory = NOTHING,
    adopted: bool = False,
) -> EndpointsWrite | Refusal | None:
    """The write of the Endpoints; None: the stored object has the desired content already.

    ``skip_mirror``: the object should bear the label that forbids mirroring into EndpointSlices. ``memory``: the notes
    that it should bear. ``adopted``: Mooring has stored it before, even if its label is gone.

    stored                               | equal                  | differs
    -------------------------------------+------------------------+---------------
    nothing                              | EndpointsWrite         | EndpointsWrite
    ours                                 | None                   | EndpointsWrite
    by hand, every ready address listed  | EndpointsWrite (label) | EndpointsWrite
    by hand, others, ``ifListed``        | (cannot be)            | Refusal
    by hand, others, ``replace``         | (cannot be)            | EndpointsWrite
    """
    memory = memory.only(_addresses(desired))
    if stored is None:
        return EndpointsWrite(key, None, desired, skip_mirror, memory)
    if not (stored.adopted or adopted) and adopt is Adopt.IF_LISTED and not stored.ready <= listed:
        return Refusal(_refusal_message(stored.ready - listed))
    same = content(stored.subsets) == content(desired) and stored.skip_mirror == skip_mirror
    same = same and stored.memory == memory
    return None if stored.managed and same else EndpointsWrite(key, stored, desired, skip_mirror, memory)


def several_ports(stored: StoredEndpoints) -> Refusal | None:
    """Why Mooring does not adopt an object whose subsets differ in their ports; None: they do not differ."""
    found = content(stored.subsets)
    if len(found) <= 1:
        return None
    every = [(_numbers(ports), _sorted(ready | not_ready)) for ports, (ready, not_ready) in found.items()]
    said = "; ".join(f"{ports}: {', '.join(names[:_MOST_NAMED])}" for ports, names in sorted(every))
    return Refusal(
        f"was not made by Mooring and has several subsets with different ports ({said}). Mooring publishes one list of "
        "ports: set ports and adopt: replace to publish every host with these, or make a Service for each of them"
    )


def _numbers(ports: Iterable[Port]) -> str:
    return ", ".join(str(port.port) for port in sorted(ports, key=lambda one: one.port)) or "none"


def removed_addresses(change: EndpointsWrite) -> tuple[str, ...]:
    """The stored addresses, of either list, that the write removes."""
    if change.before is None:
        return ()
    return _sorted(_addresses(change.before.subsets) - _addresses(change.subsets))


def endpoints_diff(change: EndpointsWrite) -> str:
    """The change as a unified diff, each line with its newline; empty where no visible content changes."""
    stored = change.before
    before = [] if stored is None else _object_lines(change.key, stored, managed=stored.managed)
    after = _object_lines(change.key, change, managed=True)
    names = ("/dev/null" if change.before is None else f"{change.key} (stored)", f"{change.key} (wanted)")
    return "".join(difflib.unified_diff(before, after, *names, n=len(before) + len(after)))


def _refusal_message(strangers: frozenset[str]) -> str:
    named = _sorted(strangers)
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return (
        "was not made by Mooring and holds ready addresses that the file does not list: "
        f"{', '.join(named[:_MOST_NAMED])}{more}. List them under hosts, or set adopt: replace to have them removed"
    )


def content(subsets: tuple[Subset, ...]) -> dict[frozenset[Port], tuple[frozenset[str], frozenset[str]]]:
    """The ready and not-ready addresses by ports, whatever the order and the number of the subsets."""
    found: dict[frozenset[Port], tuple[frozenset[str], frozenset[str]]] = {}
    for subset in subsets:
        ports = frozenset(subset.ports)
        ready, not_ready = found.get(ports, (frozenset(), frozenset()))
        found[ports] = (ready.union(subset.ready), not_ready.union(subset.not_ready))
    return found


def _addresses(subsets: tuple[Subset, ...]) -> frozenset[str]:
    return frozenset(address for subset in subsets for address in (*subset.ready, *subset.not_ready))


def _object_lines(key: ServiceKey, held: StoredEndpoints | EndpointsWrite, *, managed: bool) -> list[str]:
    lines = [f"namespace: {key.namespace}", f"name: {key.name}"]
    lines += ["managed-by: mooring"] if managed else []
    lines += ["skip-mirror: true"] if held.skip_mirror else []
    lines += ["subsets:" if held.subsets else "subsets: []"]
    for subset in held.subsets:
        lines += _subset_lines(subset, dict(held.memory.hosts))
    return [f"{line}\n" for line in lines]


def _subset_lines(subset: Subset, sources: Mapping[str, str]) -> list[str]:
    ports = [port_line(port) for port in subset.ports]
    named = {"addresses": subset.ready, "notReadyAddresses": subset.not_ready}
    lists = {field: [f"{one}{name_suffix(sources.get(one))}" for one in held] for field, held in named.items()}
    lists["ports"] = ports
    lines = [line for name, items in lists.items() if items for line in (f"  {name}:", *(f"  - {i}" for i in items))]
    return ["-" + line[1:] if number == 0 else line for number, line in enumerate(lines)]


def port_line(port: Port) -> str:
    """``mysql: 3306/TCP``, for people; without a name ``3306/TCP``."""
    return f"{port.name}: {port.port}/{port.protocol}" if port.name else f"{port.port}/{port.protocol}"


def name_suffix(source: str | None) -> str:
    """The DNS name of an address, as a suffix for people; empty where it has none."""
    return f" (of {source})" if source else ""


def _sorted(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(addresses, key=sort_key))
