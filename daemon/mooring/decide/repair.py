"""Putting right what somebody else wrote, without a war."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 3
WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Repairs:
    """Recent repairs of one object: when, in monotonic seconds, and against whom."""

    made: tuple[tuple[float, str], ...] = ()


def repaired(repairs: Repairs, manager: str, now: float) -> Repairs:
    """One more; those too old to matter are forgotten."""
    return Repairs((*(one for one in repairs.made if one[0] > now - WITHIN_SECONDS), (now, manager)))


def rests_until(repairs: Repairs, manager: str, now: float) -> float | None:
    """Until when the next repair against this manager must wait, None where it may be made now.

    Three repairs within a minute are enough to say that somebody else keeps this object as well.
    """
    recent = [at for at, who in repairs.made if who == manager and at > now - WITHIN_SECONDS]
    return recent[-MOST] + WITHIN_SECONDS if len(recent) >= MOST else None
