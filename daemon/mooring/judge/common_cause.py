"""Is an error the host's or Mooring's? Where all hosts with the same credentials give one error, it is Mooring's.

A report may carry a cause (``Observation.cause``): an error code that no table knows, or why TLS failed to verify the
server. A cause concerns each target with the same credentials that is ready, or that this cause took out within the
last hour. The first row that holds decides the report:

concerned targets                                                | the report
-----------------------------------------------------------------+------------------------------------------------
fewer than two addresses, and a session that we hold answers     | unknown: ``common-cause``
fewer than two addresses                                         | counts
another has reported something else since the cause began here   | counts
another has reported nothing since then                          | waits, and Mooring asks the others as witnesses
each reported the cause with its last probe                      | unknown: ``common-cause``

A report counts once it has waited longer than any concerned target may take to answer.
"""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from mooring.model.probes import Report
from mooring.model.reasons import MEANINGS, Effect
from mooring.model.targets import Target

FEW = 3
"""Witnesses of the first round, as in ``judge.blind``."""
WAITING = 4
"""Reports of one target that wait at most; later ones are dropped, because they show nothing new."""
LEFT_SECONDS = 3600.0
"""How long a cause concerns a host that it took out."""
PATIENCE_SECONDS = 1.0


Judged = tuple[tuple[Report, bool], ...]
"""Reports to judge, each with whether a common cause makes it unknown."""


class Ruling(enum.Enum):
    """What becomes of a report with a cause."""

    COUNTS = enum.auto()
    COMMON = enum.auto()
    WAITS = enum.auto()


@dataclass(frozen=True, slots=True)
class LastReport:
    """The last report of a target: when its probe began, in monotonic seconds, and its cause; empty: no cause."""

    started: float
    cause: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report that waits for others; ``since`` is when the cause began there, in monotonic seconds."""

    report: Report
    since: float


@dataclass(frozen=True, slots=True)
class CauseResult:
    """Reports to judge now, and targets to ask as witnesses."""

    deliver: Judged = ()
    ask: frozenset[Target] = frozenset()


def cause_of(report: Report) -> str:
    """The cause of a failure that would count; empty: it has none."""
    seen = report.observation
    return seen.cause if MEANINGS[seen.reason].effect is Effect.FAILURE else ""


def decide(cause: str, since: float, others: Iterable[LastReport | None], *, addresses: int, held: bool) -> Ruling:
    """Decides by the table above. ``others`` are the last reports of the other concerned targets; None: unknown."""
    if addresses < 2:  # noqa: PLR2004 -- what is common takes two
        return Ruling.COMMON if held else Ruling.COUNTS
    reports = list(others)
    if any(one and one.cause != cause and one.started >= since for one in reports):
        return Ruling.COUNTS
    common = all(one is not None and one.cause == cause for one in reports)
    return Ruling.COMMON if common else Ruling.WAITS


@dataclass(slots=True)
class CommonCauses:
    """The causes that the targets of all Services report; times are monotonic seconds."""

    groups: dict[Hashable, set[Target]] = field(default_factory=dict)
    """Targets by the credentials with which Mooring asks them."""
    since: dict[Target, float] = field(default_factory=dict)
    """When each target began to report its present cause."""
    last_reports: dict[Target, LastReport] = field(default_factory=dict)
    """The last report of each target; empty while no target reports a cause."""
    left: dict[Target, LastReport] = field(default_factory=dict)
    """The cause that last took each target out, and when."""
    waiting: tuple[Waiting, ...] = ()
    asked: frozenset[Target] = frozenset()

    @property
    def quiet(self) -> bool:
        """No target reports a cause, so a plain success changes nothing here."""
        return not self.since

    def enter(self, target: Target) -> None:
        """Mooring probes the target from now on."""
        self.groups.setdefault(credentials_key(target), set()).add(target)

    def leave(self, target: Target) -> None:
        """Mooring no longer probes the target."""
        group = self.groups.get(credentials_key(target), set())
        group.discard(target)
        if not group:
            self.groups.pop(credentials_key(target), None)
        self.since.pop(target, None)
        self.last_reports.pop(target, None)
        self.left.pop(target, None)
        self.waiting = tuple(one for one in self.waiting if one.report.target != target)

    def note_left(self, report: Report) -> None:
        """Notes that this report took its target out."""
        if cause := cause_of(report):
            self.left[report.target] = LastReport(report.ended, cause)

    def take(self, report: Report, ready: AbstractSet[Target]) -> CauseResult:
        """Takes a scheduled report or that of a witness; ``ready`` are the targets that are ready in some Service now.

        The report of a witness is noted, but never among the reports to judge.
        """
        if self.quiet and not report.observation.cause:
            return CauseResult(_deliver_one(report))
        self._note(report)
        deliver, ask = self._rule_on_waiting(report, ready)
        if not cause_of(report) or report.witness:
            self._forget()
            return CauseResult((*deliver, *_deliver_one(report)), ask)
        mine = Waiting(report, self.since[report.target])
        ruling = self._rule(mine, report, ready)
        if ruling is Ruling.WAITS:
            ask |= self._wait(mine, ready)
            return CauseResult(deliver, ask)
        self._forget()
        return CauseResult((*deliver, (report, ruling is Ruling.COMMON)), ask)

    def _note(self, report: Report) -> None:
        """Notes the last report. That of a held session has a cause, too, where the last full login gave one."""
        target, cause = report.target, report.observation.cause
        before = self.last_reports.get(target)
        if not cause:
            self.since.pop(target, None)
        elif before is None or before.cause != cause:
            self.since[target] = report.started
        self.last_reports[target] = LastReport(report.started, cause)

    def _rule_on_waiting(self, now: Report, ready: AbstractSet[Target]) -> tuple[Judged, frozenset[Target]]:
        """Rules on the waiting reports anew, and returns more witnesses to ask."""
        rulings = [(one, self._rule(one, now, ready)) for one in self.waiting]
        self.waiting = tuple(one for one, ruling in rulings if ruling is Ruling.WAITS)
        ruled = tuple((one.report, ruling is Ruling.COMMON) for one, ruling in rulings if ruling is not Ruling.WAITS)
        return ruled, self._witnesses(self.waiting[0], ready) if self.waiting else frozenset()

    def _rule(self, one: Waiting, now: Report, ready: AbstractSet[Target]) -> Ruling:
        cause, target = cause_of(one.report), one.report.target
        concerned = self._concerned_targets(one, ready)
        others = [self.last_reports.get(other) for other in concerned if other != target]
        addresses = len({other.address for other in concerned})
        ruling = decide(cause, one.since, others, addresses=addresses, held=one.report.observation.held)
        patience = max((other.timeout for other in concerned), default=0.0) + PATIENCE_SECONDS
        late = now.ended > one.report.ended + patience or self.last_reports[target].cause != cause
        return Ruling.COUNTS if ruling is Ruling.WAITS and late else ruling

    def _concerned_targets(self, one: Waiting, ready: AbstractSet[Target]) -> list[Target]:
        cause, ended = cause_of(one.report), one.report.ended
        return [
            target
            for target in self.groups.get(credentials_key(one.report.target), ())
            if self._is_concerned(target, cause, ended, ready)
        ]

    def _is_concerned(self, target: Target, cause: str, now: float, ready: AbstractSet[Target]) -> bool:
        left = self.left.get(target)
        recent = left is not None and left.cause == cause and now < left.started + LEFT_SECONDS
        return target in ready or recent

    def _wait(self, one: Waiting, ready: AbstractSet[Target]) -> frozenset[Target]:
        mine = sum(other.report.target == one.report.target for other in self.waiting)
        if mine < WAITING:
            self.waiting = (*self.waiting, one)
        return self._witnesses(one, ready)

    def _witnesses(self, one: Waiting, ready: AbstractSet[Target]) -> frozenset[Target]:
        """First a few, the next by address, then all others; none while one that was asked has not reported."""
        cause, target = cause_of(one.report), one.report.target
        unheard = {
            other
            for other in self._concerned_targets(one, ready)
            if other != target and not self._has_reported(other, cause, one.since)
        }
        if self.asked & unheard:
            return frozenset()
        here = (target.address, target.port)
        ring = sorted(unheard, key=lambda each: ((each.address, each.port) <= here, each.address, each.port))
        ask = frozenset(ring if self.asked else ring[:FEW])
        self.asked |= ask
        return ask

    def _has_reported(self, target: Target, cause: str, since: float) -> bool:
        last = self.last_reports.get(target)
        return last is not None and (last.cause == cause or last.started >= since)

    def _forget(self) -> None:
        """Forgets what matters only while a report waits, or while a target reports a cause."""
        if not self.waiting:
            self.asked = frozenset()
        if not self.waiting and not self.since:
            self.last_reports.clear()


def credentials_key(target: Target) -> Hashable:
    """The same for all targets that Mooring asks with the same credentials, whatever their address."""
    return target.protocol, target.options.login_key()


def _deliver_one(report: Report) -> Judged:
    return () if report.witness else ((report, False),)
