"""The group ``clock``: ours beside the API server's."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from mooring.cli.doctor.finding import Finding
from mooring.cluster.client import Api
from mooring.leader.instant import DATE_SECONDS
from mooring.model.errors import Rejected

MOST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """Our clock before the call and after its answer, and the server's in that answer; Unix seconds."""

    before: float
    after: float
    date: float | None


def findings(facts: ClockFacts) -> list[Finding]:
    off = seconds_off(facts)
    if abs(off) <= MOST_SECONDS:
        return []
    what = f"the clock here is {abs(off):.0f} s {'behind' if off > 0 else 'ahead of'} the API server's"
    why = "certificates, the ends of drains and pauses, and the times in logs and Events go by it"
    return [Finding(what, why, "start an NTP client, such as chrony, and see `timedatectl` here and on the server")]


def seconds_off(facts: ClockFacts) -> float:
    """How far the server's clock is ahead of ours at least; negative: behind; 0 where nothing shows a difference."""
    if facts.date is None:
        return 0.0
    ahead, behind = facts.date - facts.after, facts.before - (facts.date + DATE_SECONDS)
    return ahead if ahead > 0 else -behind if behind > 0 else 0.0


def clock_facts(api: Api) -> ClockFacts:
    """Raises Unavailable."""
    before = time.time()
    with suppress(Rejected):  # an answer all the same
        api.get("/version")
    return ClockFacts(before, time.time(), api.date)
