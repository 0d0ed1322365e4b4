"""A random walk of faults over hosts: the choices follow from a seed alone, and every fault is taken back."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

PROCESS = ("kill", "restart", "freeze")
NETWORK = ("drop", "reject", "reset", "link-down")
BLACKOUT = "blackout"
"""Nothing reaches the prober for a while."""
_SHORT, _LONG, _DARK = (0.2, 1.6), (2.0, 6.0), (2.5, 4.0)
_TURNS = 5
"""A blackout hides every other fault: there are few."""


class Step(NamedTuple):
    """At so many seconds of the walk, a fault of a host begins, or is ``over``. ``host`` is empty for a blackout."""

    at: float
    host: str
    fault: str
    over: bool = False


def walk(seed: int, faults: Mapping[str, Sequence[str]], seconds: float, *, each: float = 0.35) -> list[Step]:
    """One new fault about every ``each`` seconds, at most one at a time at a host; all are over at the end.

    ``faults`` says what can happen to each host; what can happen at all happens in turns, so that even a short walk
    has everything.
    """
    chance = random.Random(seed)
    deck = _turns(chance, sorted({fault for possible in faults.values() for fault in possible}))
    busy: dict[str, float] = {}
    steps: list[Step] = []
    now = 0.0
    while (now := now + chance.uniform(0.4, 1.6) * each) < seconds:
        fault = next(deck)
        hosts = [""] if fault == BLACKOUT else sorted(host for host, possible in faults.items() if fault in possible)
        free = [host for host in hosts if busy.get(host, 0.0) <= now]
        end = now + _length(chance, fault)
        if free and end < seconds:
            host = chance.choice(free)
            busy[host] = end + 0.1
            steps += [Step(now, host, fault), Step(end, host, fault, over=True)]
    return sorted(steps)


def _turns(chance: random.Random, kinds: list[str]) -> Iterator[str]:
    for turn in itertools.count():
        yield from chance.sample(kinds, len(kinds))
        if turn % _TURNS == 1:
            yield BLACKOUT


def _length(chance: random.Random, fault: str) -> float:
    """Half of the faults are so short that thresholds must bridge them."""
    return chance.uniform(*(_DARK if fault == BLACKOUT else chance.choice((_SHORT, _LONG))))
