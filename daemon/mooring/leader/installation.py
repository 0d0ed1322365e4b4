"""Whether two daemons that share a Lease belong to one installation, judged by the Services of their files.

An observer publishes a sketch of its Services with a bounded size: their count, a hash of all, and the smallest hashes
of single ones. For two files with up to ``MOST`` Services the sketches show exactly whether they have one in common.
For larger files they may miss it where the files share less than about one Service in twenty.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST = 64
DIFFERS_SECONDS = 300.0
"""Within this time a changed file reaches all daemons of one installation."""
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Services:
    """A sketch of the Services of a file."""

    count: int
    hash: str
    some: frozenset[str]

    def as_json(self) -> dict[str, Any]:
        return {"count": self.count, "hash": self.hash, "some": sorted(self.some)}


NO_SERVICES = Services(0, "", frozenset())


def sketch(names: Iterable[str]) -> Services:
    """The sketch of these names, such as "default/db"."""
    found = sorted({hashlib.sha256(name.encode()).hexdigest() for name in names})
    if not found:
        return NO_SERVICES
    whole = hashlib.sha256("".join(found).encode()).hexdigest()[: 2 * _DIGITS]
    return Services(len(found), whole, frozenset(one[:_DIGITS] for one in found[:MOST]))


def from_json(found: object) -> Services:
    """The sketch from another daemon's JSON; anything malformed is ``NO_SERVICES``."""
    match found:
        case {"count": int(count), "hash": str(whole), "some": list(some)} if all(isinstance(one, str) for one in some):
            return Services(count, whole[: 2 * _DIGITS], frozenset(one[:_DIGITS] for one in some[:MOST]))
        case _:
            return NO_SERVICES


def are_disjoint(one: Services, other: Services) -> bool:
    """Whether both sketches have Services, and none in common."""
    return bool(one.some and other.some) and not one.some & other.some


@dataclass(frozen=True, slots=True)
class Comparison:
    """``differs_since``: when the Services of each other daemon began to differ from ours, in monotonic seconds."""

    differs_since: dict[str, float] = field(default_factory=dict)
    reported: frozenset[str] = frozenset()
    """Daemons already reported; each is forgotten once its Services are ours."""


def compare(
    state: Comparison, mine: Services, others: dict[str, Services], now: float
) -> tuple[Comparison, dict[str, str]]:
    """Takes the sketches of fresh observers, by identity; returns those to report now, and how they differ."""
    since = {
        who: state.differs_since.get(who, now)
        for who, said in others.items()
        if mine.some and said.some and said.hash != mine.hash
    }
    known = state.reported & since.keys()
    news: dict[str, str] = {}
    for who in sorted(since.keys() - known):
        if are_disjoint(mine, others[who]):
            news[who] = "their files have no Service in common"
        elif now - since.get(who, math.inf) >= DIFFERS_SECONDS:
            news[who] = "their files list different Services for 5 minutes"
    return Comparison(since, known | news.keys()), news
