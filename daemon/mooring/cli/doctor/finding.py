"""What the doctor finds."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Level(enum.StrEnum):
    """A warning needs a look one day; it is no reason to end with 1."""

    PROBLEM = "problem"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """``mend``: the command or the manifest that mends it, or what to do; it may have several lines."""

    what: str
    why: str
    mend: str
    level: Level = Level.PROBLEM


@dataclass(frozen=True, slots=True)
class Note:
    """What was seen, and needs nobody."""

    text: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in one group. ``skipped``: why nobody looked; empty: somebody did."""

    group: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    skipped: str = ""
    code: int = 0
    """The exit code where this is the worst: 0, or that of a file or a cluster that cannot be used."""

    @property
    def sound(self) -> bool:
        return not has_problems(self.findings) and not self.code


def has_problems(findings: Iterable[Finding]) -> bool:
    return any(one.level is Level.PROBLEM for one in findings)


class NotLookedAt(Exception):
    """Nobody can look at a group, for a cause that another group reports."""
