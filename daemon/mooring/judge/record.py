"""What one host has been through: its outcomes, runs of equal ones folded, and the changes of its verdict.

Its methods are called by whoever judges the host. A reader in another thread copies the lists, which takes one step of
the interpreter, so that no probe waits for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import inf

from mooring.judge.ledger import DAY_SECONDS, Ledger
from mooring.model.probes import Report
from mooring.model.targets import Target
from mooring.model.verdicts import Outcome, Verdict

MOST_ENTRIES = 1024
"""Runs and transitions that one host keeps."""
DROPPED_AT_ONCE = 64
ALTERNATING = 3
"""A host that flaps gives few outcomes in turn: a run shares the value of one so many runs before it."""
_FIGURES = re.compile(r"\d+(\.\d+)?")


@dataclass(slots=True)
class Run:
    """Outcomes in a row that are equal but for the figures in their messages. Times in Unix seconds, latencies in
    seconds.
    """

    outcome: Outcome
    """The last one."""
    target: Target
    first_at: float
    last_at: float
    fastest: float
    slowest: float
    count: int = 1
    judged: bool = True
    """They were held against the verdict; else they were shown only, as before the Service was seeded."""

    def takes(self, outcome: Outcome, target: Target, *, judged: bool = True) -> bool:
        """Whether such an outcome belongs to this run."""
        mine = self.outcome
        if (mine.reason, mine.stays) != (outcome.reason, outcome.stays) or self.target != target:
            return False
        if self.judged is not judged:
            return False
        return mine.message == outcome.message or _words(mine.message) == _words(outcome.message)


def _words(message: str) -> str:
    return _FIGURES.sub("#", message)


@dataclass(frozen=True, slots=True)
class Stored:
    """The write that first published a transition; ``name`` is that of the object that it changed."""

    at: float
    name: str
    version: str


@dataclass(slots=True)
class NotedTransition:
    """One change of a verdict. Times in Unix seconds; 0.0: not known."""

    at: float
    evidence_at: float
    """When the first outcome against the verdict before came."""
    before: Verdict
    after: Verdict
    outcome: Outcome | None
    """The last outcome that it took; None: what was stored was taken over."""
    target: Target
    streak: int = 0
    """How many outcomes it took."""
    stored: Stored | None = None
    """None: this Mooring has not stored it, or not yet."""


@dataclass(slots=True, weakref_slot=True)
class HostRecord:
    """The latest entries, the oldest first."""

    runs: list[Run] = field(default_factory=list)
    transitions: list[NotedTransition] = field(default_factory=list)
    ledger: Ledger | None = field(default=None, compare=False, repr=False)
    """Bounds what all hosts keep together."""

    def __len__(self) -> int:
        return len(self.runs) + len(self.transitions)

    def note_again(self, report: Report) -> None:
        """Notes an outcome that is the same as the last one: the hot path."""
        run, latency = self.runs[-1], report.latency
        run.count += 1
        run.last_at = report.at
        if latency > run.slowest:
            run.slowest = latency
        elif latency < run.fastest:
            run.fastest = latency

    def note(self, outcome: Outcome, report: Report, *, judged: bool = True) -> None:
        """Notes any outcome."""
        if self.runs and self.runs[-1].takes(outcome, report.target, judged=judged):
            self.runs[-1].outcome = outcome
            self.note_again(report)
            return
        at, latency = report.at, report.latency
        outcome = next((run.outcome for run in self.runs[-ALTERNATING:] if run.outcome == outcome), outcome)
        self.runs.append(Run(outcome, report.target, at, at, latency, latency, judged=judged))
        self._bound(at)

    def note_transition(self, transition: NotedTransition) -> None:
        self.transitions.append(transition)
        self._bound(transition.at)

    def note_stored(self, verdict: Verdict, stored: Stored) -> None:
        """Notes the write that publishes the host by this verdict; a later change may wait for the next write."""
        for transition in reversed(self.transitions[-2:]):
            if transition.after is verdict:
                if transition.stored is None and transition.outcome is not None:
                    transition.stored = stored
                return

    def follow_on(self, earlier: HostRecord) -> None:
        """Puts an earlier record of the same host before this one."""
        self.runs[:0], self.transitions[:0] = earlier.runs, earlier.transitions

    def _bound(self, now: float) -> None:
        if len(self) > MOST_ENTRIES:
            self.drop(DROPPED_AT_ONCE, now - DAY_SECONDS) or self.drop(DROPPED_AT_ONCE, inf)
        if self.ledger is not None:
            self.ledger.note_entry(now)

    def spare(self, before: float) -> int:
        """How many entries may go: all runs but the present one, and the transitions before that time."""
        old = sum(one.at < before for one in self.transitions)
        return max(0, len(self.runs) - 1) + old

    def drop(self, count: int, before: float) -> int:
        """Drops so many of the entries that may go, the oldest first; returns how many it dropped."""
        runs = noted = 0
        while runs + noted < count:
            run_at = self.runs[runs].last_at if runs < len(self.runs) - 1 else inf
            noted_at = self.transitions[noted].at if noted < len(self.transitions) else inf
            if noted_at < before and noted_at <= run_at:
                noted += 1
            elif run_at < inf:
                runs += 1
            else:
                break
        del self.runs[:runs], self.transitions[:noted]
        return runs + noted
