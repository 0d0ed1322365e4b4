"""Checks that pass now and may hide a fault or fail later: reported at once, and then each day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mooring.model.events import LoginAtRisk
from mooring.model.probes import Report
from mooring.model.reasons import Reason
from mooring.model.targets import Target

AGAIN_SECONDS = 24 * 3600.0


class Cautions:
    """Remembers when each target was reported last, until it is at risk no more or was not probed for two days."""

    def __init__(self) -> None:
        self._reported: dict[Target, float] = {}

    def take(self, reports: Sequence[Report]) -> Iterator[LoginAtRisk]:
        for report in reports:
            if not report.observation.caution:
                if self._reported and report.observation.reason is Reason.OK:  # a failure does not prove a sound login
                    self._reported.pop(report.target, None)
            elif self._due(report):
                self._reported[report.target] = report.ended
                yield LoginAtRisk(report.target, report.observation.caution)

    def _due(self, report: Report) -> bool:
        last = self._reported.get(report.target)
        if last is None:
            old = [target for target, at in self._reported.items() if report.ended - at >= 2 * AGAIN_SECONDS]
            for target in old:
                del self._reported[target]
        return last is None or report.ended - last >= AGAIN_SECONDS
