"""The last hour of a host, minute by minute."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import report, target
from mooring.judge.record import HostRecord, NotedTransition
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.verdicts import Outcome, Verdict
from mooring.observe.strip import Level, Segment, strip

UNJUDGED, READY, NOT_READY = Verdict.UNJUDGED, Verdict.READY, Verdict.NOT_READY
NOW = 1_700_003_600.0
"""An hour after the first report of ``lab.values``."""
Noted = tuple[float, Verdict, Verdict]


def record_of(outcomes: dict[float, Reason], *turns: Noted) -> HostRecord:
    """Outcomes and changes of verdict, by the minute in which they came; an hour ago is 0."""
    made = HostRecord()
    for minute, reason in outcomes.items():
        made.note(Outcome(reason), report(target(), reason, started=minute * 60))
    for minute, before, after in turns:
        at = NOW - 3600 + minute * 60
        made.note_transition(NotedTransition(at, at, before, after, Outcome(Reason.OK), target()))
    return made


TABLE: dict[str, tuple[HostRecord, Verdict, list[Segment]]] = {
    "nothing is known": (HostRecord(), READY, []),
    "ready all the time": (
        record_of({-30: Reason.OK, 59: Reason.OK}),
        READY,
        [Segment(0, 60, Level.READY)],
    ),
    "known for ten minutes": (record_of({50: Reason.OK}), READY, [Segment(50, 10, Level.READY)]),
    "out since ten minutes": (
        record_of({0: Reason.OK, 50: Reason.REFUSED}, (50, READY, NOT_READY)),
        NOT_READY,
        [Segment(0, 50, Level.READY), Segment(50, 10, Level.OUT)],
    ),
    "back after a minute": (
        record_of({0: Reason.OK}, (20.5, READY, NOT_READY), (21.5, NOT_READY, READY)),
        READY,
        [Segment(0, 20, Level.READY), Segment(20, 2, Level.OUT), Segment(22, 38, Level.READY)],
    ),
    "it changed before that hour": (
        record_of({-90: Reason.OK}, (-80, NOT_READY, READY)),
        READY,
        [Segment(0, 60, Level.READY)],
    ),
    "one failure that took it not out": (
        record_of({0: Reason.OK, 30: Reason.REFUSED, 31: Reason.OK}),
        READY,
        [Segment(0, 30, Level.READY), Segment(30, 1, Level.DOUBTED), Segment(31, 29, Level.READY)],
    ),
    "never judged": (
        record_of({58: Reason.AUTH, 59: Reason.AUTH}),
        UNJUDGED,
        [Segment(58, 2, Level.DOUBTED)],
    ),
    "what was stored was taken over": (
        record_of({58: Reason.OK}, (-28_000_000, UNJUDGED, READY)),
        READY,
        [Segment(58, 2, Level.READY)],
    ),
}


@pytest.mark.parametrize(("record", "verdict", "segments"), TABLE.values(), ids=TABLE.keys())
def test_each_minute_shows_its_worst_moment(record: HostRecord, verdict: Verdict, segments: list[Segment]) -> None:
    """What came before the hour is cut off, and of what is not known nothing is shown."""
    assert strip(record, verdict, NOW) == segments


@pytest.mark.parametrize("reason", list(Reason))
def test_a_ready_host_is_doubted_by_all_but_success(reason: Reason) -> None:
    """Also by an outcome that changes nothing: whether it would be noticed if it died is what one looks for."""
    made = record_of({59: reason})
    level = Level.READY if MEANINGS[reason].effect is Effect.SUCCESS else Level.DOUBTED
    assert strip(made, READY, NOW)[-1].level is level


def test_a_clock_that_went_back_does_no_harm() -> None:
    """A record from the future shows the present minute at most."""
    made = record_of({60: Reason.OK, 90: Reason.REFUSED})
    assert strip(made, READY, NOW - 60) in ([], [Segment(59, 1, Level.READY)])
    assert strip(replace(made, transitions=[]), READY, NOW - 7200) == []
