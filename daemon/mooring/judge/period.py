"""Which probes of a host count: one in each of its periods, however the schedule jitters."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.model.probes import Report
from mooring.model.reasons import Effect
from mooring.model.spec import Check
from mooring.model.verdicts import Outcome

SLACK = 0.1
"""Part of its period by which a probe may come early and still count: schedules jitter."""


@dataclass(slots=True)
class Periods:
    """The periods of one member; times are monotonic seconds."""

    start: float | None = None
    """The start of the period that the last counted outcome belongs to."""
    counted_from: float | None = None
    """When the last probe that counted began."""
    edge_at: float | None = None
    """When the last probe began that confirmed a loss (``Report.edge``) and counted."""

    def counts(self, report: Report, outcome: Outcome, check: Check, *, agrees: bool, urgent: bool) -> bool:
        """Whether the outcome counts; then a period begins with it. One outcome counts in each period.

        Two kinds count besides, at least ``edgeSeconds`` after the last one of their kind: a failure that confirms a
        lost session, and an ``urgent`` claim to be the primary. An outcome that ``agrees`` with the verdict always
        counts: it ends the streak.
        """
        due, edge = self._is_due(report.started, check.period), (1 - SLACK) * check.edge
        if report.edge and outcome.effect is Effect.FAILURE:
            due = due or self.edge_at is None or report.started >= self.edge_at + edge
            self.edge_at = report.started if due else self.edge_at
        elif report.expedited and urgent:
            due = due or self.counted_from is None or report.started >= self.counted_from + edge
        if due or agrees:
            self.begin(report.started, check.period)
            self.counted_from = report.started
        return due or agrees

    def begin(self, started: float, period: float) -> None:
        """Periods follow each other without a gap, so that after a late probe the next one still counts.

        A period never starts after its probe: otherwise early probes would drift until one of them did not count.
        """
        if self.start is None or started >= self.start + 2 * period:
            self.start = started
        elif self._is_due(started, period):
            self.start = max(min(self.start + period, started), started - period / 2)

    def _is_due(self, started: float, period: float) -> bool:
        return self.start is None or started >= self.start + (1 - SLACK) * period
