"""What is stored and what should be, as one change that can be shown, refused or made."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from mooring.decide.addresses import sort_key
from mooring.model import Change, Stored, Subset
from mooring.spec import Adopt, Port, ServiceKey

_NAMED = 8
"""Addresses named in one sentence; a forgotten object may hold a thousand."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The object is left as it is, and why."""

    why: str


def plan(
    key: ServiceKey,
    listed: frozenset[str],
    adopt: Adopt,
    stored: Stored | None,
    desired: tuple[Subset, ...],
    *,
    unmirrored: bool = False,
) -> Change | Refusal | None:
    """The write of the Endpoints that is needed, None where what is stored says the same already.

    ``unmirrored``: it should bear the label that keeps it from being copied into EndpointSlices.

    stored                               | equal          | differs
    -------------------------------------+----------------+--------
    nothing                              | Change         | Change
    ours                                 | None           | Change
    by hand, every ready address listed  | Change (label) | Change
    by hand, others, ``ifListed``        | (cannot be)    | Refusal
    by hand, others, ``replace``         | (cannot be)    | Change
    """
    if stored is None:
        return Change(key, None, desired, unmirrored)
    if not stored.managed and adopt is Adopt.IF_LISTED and not stored.ready <= listed:
        return Refusal(_refusal(stored.ready - listed))
    same = _content(stored.subsets) == _content(desired) and stored.unmirrored == unmirrored
    return None if stored.managed and same else Change(key, stored, desired, unmirrored)


def removed(change: Change) -> tuple[str, ...]:
    """The addresses that are stored, in either list, and will be in none."""
    if change.before is None:
        return ()
    return _sorted(_addresses(change.before.subsets) - _addresses(change.subsets))


def diff(change: Change) -> str:
    """The change as a unified diff, every line ended; empty where nothing a reader can see would change."""
    stored = change.before
    before = [] if stored is None else _text(change.key, stored.subsets, stored.managed, stored.unmirrored)
    after = _text(change.key, change.subsets, True, change.unmirrored)
    names = ("/dev/null" if change.before is None else f"{change.key} (stored)", f"{change.key} (wanted)")
    return "".join(difflib.unified_diff(before, after, *names, n=len(before) + len(after)))


def _refusal(strangers: frozenset[str]) -> str:
    named = _sorted(strangers)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return (
        "was not made by Mooring and holds ready addresses that the file does not list: "
        f"{', '.join(named[:_NAMED])}{more}. List them under hosts, or set adopt: replace to have them removed"
    )


def _content(subsets: tuple[Subset, ...]) -> dict[frozenset[Port], tuple[frozenset[str], frozenset[str]]]:
    """What subsets mean, whatever their order and however they are cut."""
    content: dict[frozenset[Port], tuple[frozenset[str], frozenset[str]]] = {}
    for subset in subsets:
        ports = frozenset(subset.ports)
        ready, not_ready = content.get(ports, (frozenset(), frozenset()))
        content[ports] = (ready.union(subset.ready), not_ready.union(subset.not_ready))
    return content


def _addresses(subsets: tuple[Subset, ...]) -> frozenset[str]:
    return frozenset(address for subset in subsets for address in (*subset.ready, *subset.not_ready))


def _text(key: ServiceKey, subsets: tuple[Subset, ...], managed: bool, unmirrored: bool) -> list[str]:  # noqa: FBT001 -- two labels
    lines = [f"namespace: {key.namespace}", f"name: {key.name}"]
    lines += ["managed-by: mooring"] if managed else []
    lines += ["skip-mirror: true"] if unmirrored else []
    lines += ["subsets:" if subsets else "subsets: []"]
    for subset in subsets:
        lines += _subset_text(subset)
    return [f"{line}\n" for line in lines]


def _subset_text(subset: Subset) -> list[str]:
    ports = [f"{port.name or port.protocol}: {port.port}/{port.protocol}" for port in subset.ports]
    lists = {"addresses": subset.ready, "notReadyAddresses": subset.not_ready, "ports": tuple(ports)}
    lines = [line for name, items in lists.items() if items for line in (f"  {name}:", *(f"  - {i}" for i in items))]
    return ["-" + line[1:] if number == 0 else line for number, line in enumerate(lines)]


def _sorted(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(addresses, key=sort_key))
