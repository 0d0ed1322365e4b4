"""The last hour of a host as a strip: how it was in each minute, from its record."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from mooring.judge.record import HostRecord
from mooring.model.reasons import Effect
from mooring.model.verdicts import Verdict

MINUTES = 60
MINUTE_SECONDS = 60.0


class Level(enum.IntEnum):
    """How a host was in a minute; the worst moment counts."""

    NOTHING = 0
    READY = 1
    DOUBTED = 2
    """It was ready and failed a probe, or Mooring could not judge it."""
    OUT = 3


_LEVELS = {Verdict.READY: Level.READY, Verdict.UNJUDGED: Level.DOUBTED, Verdict.NOT_READY: Level.OUT}


class Segment(NamedTuple):
    """Minutes in a row at the same level; ``start`` counts from an hour ago."""

    start: int
    minutes: int
    level: Level


def strip(record: HostRecord, verdict: Verdict, now: float) -> list[Segment]:
    """The last hour without the minutes of which nothing is known; ``verdict`` is the present one, ``now`` Unix
    seconds.
    """
    runs, begin = list(record.runs), now - MINUTES * MINUTE_SECONDS
    if not runs:
        return []
    levels = [Level.NOTHING] * MINUTES
    for start, end, held in _verdicts(record, verdict, runs[0].first_at, now):
        _mark(levels, start - begin, end - begin, _LEVELS[held])
    for run in reversed(runs):
        if run.last_at < begin:
            break
        if run.outcome.effect is not Effect.SUCCESS:
            _mark(levels, run.first_at - begin, run.last_at - begin, Level.DOUBTED)
    return [one for one in _segments(levels) if one.level is not Level.NOTHING]


def _verdicts(record: HostRecord, verdict: Verdict, began: float, now: float) -> Iterator[tuple[float, float, Verdict]]:
    """From when until when the host had which verdict, since its record began."""
    turns = list(record.transitions)
    first = turns[0].before if turns else verdict
    points = [(began, first), *((max(began, turn.at), turn.after) for turn in turns), (now, verdict)]
    for (start, held), (end, _) in pairwise(points):
        if start < end:
            yield start, end, held


def _mark(levels: list[Level], start: float, end: float, level: Level) -> None:
    first, last = max(0, int(start // MINUTE_SECONDS)), min(MINUTES - 1, int(end // MINUTE_SECONDS))
    for minute in range(first, last + 1):
        levels[minute] = max(levels[minute], level)


def _segments(levels: list[Level]) -> Iterator[Segment]:
    start = 0
    for level, minutes in groupby(levels):
        count = len(list(minutes))
        yield Segment(start, count, level)
        start += count
