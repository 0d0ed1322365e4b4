"""What another configuration would have changed, host by host. Times in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mooring.cli.replay.judging import Course, Outage

FLAP_SECONDS = 600.0
"""A host that is back so soon has flapped."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one host, between two courses.

    ``outs``, ``served``: how often it went out, and for how long it was published as ready, before and after.
    ``shifts``: for each time out that both have, how much later the second takes the host out; negative: sooner.
    ``avoided`` are in the first course alone, ``added`` in the second.
    """

    outs: tuple[int, int]
    served: tuple[float, float]
    shifts: tuple[float, ...]
    avoided: int
    added: int


def difference(before: Course, after: Course, address: str) -> Difference:
    """Two times out are the same one where they overlap."""
    first, second = before.outages(address), after.outages(address)
    left, shifts = list(second), list[float]()
    for one in first:
        found = next((other for other in left if _overlap(one, other)), None)
        if found is not None:
            left.remove(found)
            shifts.append(found.out - one.out)
    served = before.served(address), after.served(address)
    return Difference((len(first), len(second)), served, tuple(shifts), len(first) - len(shifts), len(left))


def transitions(course: Course) -> int:
    """How often a verdict changed."""
    return sum(map(len, course.turns.values()))


def flaps(course: Course) -> int:
    """How often a host went out and was back within ``FLAP_SECONDS``."""
    every = [one for address in course.turns for one in course.outages(address)]
    return sum(one.back is not None and one.back - one.out <= FLAP_SECONDS for one in every)


def average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _overlap(one: Outage, other: Outage) -> bool:
    return (other.back is None or one.out < other.back) and (one.back is None or other.out < one.back)
