"""Rules of the file that hold a verdict back, and a verdict that is held."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FlapRule:
    """After ``transitions`` out within ``within`` seconds a host stays out for ``hold`` seconds, then for twice that.

    ``most`` is the longest hold, in seconds.
    """

    transitions: int = 4
    within: float = 600
    hold: float = 30
    most: float = 600


FLAP = FlapRule()
"""The default."""


@dataclass(frozen=True, slots=True)
class Floor:
    """So many hosts, or so many of a hundred, rounded down."""

    amount: int = 0
    percent: bool = False

    def of(self, hosts: int) -> int:
        """How many of these hosts."""
        return self.amount * hosts // 100 if self.percent else self.amount


NO_FLOOR = Floor()


@dataclass(frozen=True, slots=True)
class DemotionLimit:
    """Silence takes out at most ``percent`` of all hosts within ``window`` seconds; see ``judge.silence``."""

    percent: int
    window: float

    def __str__(self) -> str:
        return f"{self.percent}%/{self.window:g}s"


class Damper(enum.StrEnum):
    """Which rule holds a verdict back."""

    FLAP = "flap"
    KEEP_ON_SILENCE = "keepOnSilence"
    MAX_DEMOTIONS = "maxDemotions"


@dataclass(frozen=True, slots=True)
class Hold:
    """A verdict would have changed, and ``by`` holds it back; ``until`` in Unix seconds (None: no end is known)."""

    by: Damper
    until: float | None = None
