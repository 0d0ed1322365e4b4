"""A day of a Service in seconds: hosts that are probed every two seconds, through the daemon's own judging code."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace

from lab.health_stores import service, store_of
from lab.values import report, stored, target
from mooring.judge.store import HealthStore
from mooring.model.damping import FlapRule
from mooring.model.events import HostChanged
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceSpec, Thresholds
from mooring.model.verdicts import Verdict
from mooring.observe.flight import flight

A, B = "10.20.0.11", "10.20.0.12"
DAY = 86_400
PERIOD = 2
BEGIN = 1_700_000_000.0
"""What ``lab.values.report`` takes for the beginning, in Unix seconds."""


@dataclass
class Day:
    """``fails``: for each address, from which second on it fails for how many probes."""

    fails: dict[str, dict[int, int]]
    failure: int = 2
    flap: FlapRule | None = None
    length: int = DAY
    changed: list[tuple[float, str, Verdict]] = field(default_factory=list)
    """Seconds since the beginning, host, its new verdict: what the daemon itself reported."""

    @property
    def spec(self) -> ServiceSpec:
        return replace(service(A, B, thresholds=Thresholds(2, self.failure)), flap=self.flap)

    def live(self) -> HealthStore:
        store = store_of(self.spec, of=stored(ready=(A, B)))
        probes = heapq.merge(*(self._outcomes(address, offset) for offset, address in enumerate((A, B))))
        for second, address, reason in probes:
            taken = store.take([report(target(address), reason, started=float(second))])
            self.changed += [
                (float(second), event.member.address, event.state.verdict)
                for event in taken.events
                if isinstance(event, HostChanged)
            ]
        return store

    def _outcomes(self, address: str, offset: int) -> list[tuple[int, str, Reason]]:
        bad = {
            second + PERIOD * number for second, count in self.fails.get(address, {}).items() for number in range(count)
        }
        return [
            (second + offset, address, Reason.REFUSED if second in bad else Reason.OK)
            for second in range(0, self.length, PERIOD)
        ]

    def record(self) -> bytes:
        """As ``/record`` gives it at the end of the day."""
        return b"".join(flight(self.live(), BEGIN + self.length))
