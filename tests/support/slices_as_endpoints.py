"""EndpointSlices in the words of Endpoints, so that one oracle reads both, and what both together must say."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab.history import Version, addresses
from support.oracle import Violation
from support.oracle_feed import Recorded

_SERVICE = "kubernetes.io/service-name"
_KEEPER = "endpointslice.kubernetes.io/managed-by"


class Said:
    """What one keeper's slices say of each Service, a version for each write of one of them."""

    def __init__(self, slices: Recorded, keeper: str = "mooring") -> None:
        self._slices = slices
        self._keeper = keeper

    def all(self) -> list[Version]:
        return list(self._read(self._slices.all()))

    def _read(self, versions: Iterable[Version]) -> Iterator[Version]:
        held: dict[str, dict[str, list[Any]]] = {}
        of: dict[str, str] = {}
        for version in versions:
            manifest = json.loads(version.text or "{}")
            labels = manifest.get("metadata", {}).get("labels", {})
            if labels.get(_KEEPER) == self._keeper:
                of[version.service] = f"{version.service.partition('/')[0]}/{labels[_SERVICE]}"
            if service := of.get(version.service):
                mine = held.setdefault(service, {})
                mine[version.service] = manifest.get("endpoints") or []
                yield Version(service, version.seen, _endpoints(mine), version.revision)


def _endpoints(slices: Mapping[str, list[Any]]) -> str:
    """No time of the write is in it, and so only what it says makes a version another one."""
    lists: dict[str, list[Any]] = {"addresses": [], "notReadyAddresses": []}
    for entry in (entry for name in sorted(slices) for entry in slices[name]):
        kind = "addresses" if entry["conditions"]["ready"] else "notReadyAddresses"
        lists[kind] += [{"ip": address} for address in entry["addresses"]]
    return json.dumps({"subsets": [lists]})


def apart(endpoints: Iterable[Version], slices: Iterable[Version]) -> Iterator[Violation]:
    """An address that is ready in one object of a Service and not in the other is so until its next write, no longer.

    Both in the order of their revisions.
    """
    marked = [[(one.revision, one, source) for one in found] for source, found in enumerate((endpoints, slices))]
    ready: dict[str, list[set[str]]] = {}
    differed: dict[str, set[str]] = {}
    for _, version, source in heapq.merge(*marked, key=lambda mark: mark[0]):
        both = ready.setdefault(version.service, [set(), set()])
        both[source] = {*addresses(json.loads(version.text or "{}"), "addresses")}
        differ = both[0] ^ both[1]
        for address in sorted(differ & differed.get(version.service, set())):
            what = f"in {('Endpoints', 'slices')[address in both[1]]} alone, also after another write"
            yield Violation("apart", version.service, address, version.seen, what)
        differed[version.service] = differ
