"""The health of this daemon, as far as the election needs it: frozen facts, read anew at each turn."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass

from mooring.leader.installation import NO_SERVICES, Services
from mooring.model.silence import NO_OUTLOOK, Outlook

STILL_PERIODS = 3
STILL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Health:
    """``answered``: when the last probe began that a ready target answered correctly, in monotonic seconds."""

    stuck: str = ""
    """Which thread stands still, in words; empty: all turn. An API server that is slow or fails stops no thread."""
    blind: bool = False
    started: bool = True
    """Every host has been probed once."""
    answered: float = -math.inf
    services: Services = NO_SERVICES
    outlook: Outlook = NO_OUTLOOK


def standing_still(turned_at: Mapping[str, float], now: float, period: float, within: float) -> str | None:
    """Which thread has not turned for ``within`` seconds, nor for three of the longest ``period``; None: all turn.

    ``turned_at`` has the moment of each thread's last turn. All times are monotonic seconds.
    """
    oldest = now - max(STILL_PERIODS * period, within)
    still = [name for name, moment in turned_at.items() if moment < oldest]
    return f"the {still[0]} stands still" if still else None


class Fitness(enum.Enum):
    """Whether a daemon may hold the Lease."""

    WELL = "well"
    BLIND = "blind"
    """It is blind while a fresh observer sees: it keeps its Lease until it can hand it over, and takes none."""
    STUCK = "stuck"
    """A thread of it stands still: it neither renews nor takes a Lease."""
    OUTVOTED = "outvoted"
    """Others see a host that is silent to it: it keeps its Lease until it can hand it over to one that sees more."""


def fitness(health: Health, *, others_see: bool) -> Fitness:
    """The fitness by this table. ``others_see``: a fresh observer has stated that it sees.

    its threads turn | it is blind | it is outvoted | a fresh observer sees | may hold the Lease
    --- | --- | --- | --- | ---
    no | any | any | any | STUCK
    yes | yes | any | yes | BLIND
    yes | yes | any | no | WELL: nobody could do better
    yes | no | yes | any | OUTVOTED
    yes | no | no | any | WELL
    """
    if health.stuck:
        return Fitness.STUCK
    if health.blind:
        return Fitness.BLIND if others_see else Fitness.WELL
    return Fitness.OUTVOTED if health.outlook.outvoted else Fitness.WELL
