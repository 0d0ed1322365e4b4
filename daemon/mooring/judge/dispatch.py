"""The inner loop of the daemon: it takes reports, wakes the publisher, asks witnesses and emits events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from mooring.judge.batch import BatchResult
from mooring.judge.cautions import Cautions
from mooring.judge.store import HealthStore
from mooring.model.events import Event, Probed
from mooring.model.probes import Report
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey
from mooring.model.targets import Member, Target


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Judges reports, and acts on the result. No callback may wait: the loop that probes would wait with it."""

    store: HealthStore
    wake: Callable[[Iterable[ServiceKey]], None]
    """Publishes these Services now."""
    wake_later: Callable[[ServiceKey, float], None]
    """Publishes this Service after so many seconds."""
    ask_witness: Callable[[Target], None]
    probe_soon: Callable[[AbstractSet[Target]], None]
    """Probes these targets before their turn."""
    count: Callable[[Sequence[Report], Sequence[tuple[Member, Reason]]], None]
    """For the metrics: the reports, and the reason for each member whose Service asks for more than an answer."""
    emit: Callable[[Event], None]
    shows_probes: Callable[[], bool]
    """Whether any listener takes ``Probed``: a thousand such events may come in a second."""
    cautions: Cautions = field(default_factory=Cautions)

    def take(self, reports: Sequence[Report]) -> None:
        """Publishes first, because that is urgent; asks witnesses next; calls listeners last."""
        batch = self.store.take(reports)
        self._publish(batch)
        for target in batch.ask:
            self.ask_witness(target)
        if batch.probe_soon:
            self.probe_soon(batch.probe_soon)
        self.count(reports, batch.judged)
        if self.shows_probes():
            for report in reports:
                self.emit(Probed(report))
        for event in batch.events:
            self.emit(event)
        for risk in self.cautions.take(reports):
            self.emit(replace(risk, members=self.store.members(risk.target)))

    def _publish(self, batch: BatchResult) -> None:
        """Wakes once for the batch, so that its changes share a write."""
        if batch.changed:
            self.wake(batch.changed)
        for key, seconds in batch.writer_grace_seconds.items():
            self.wake_later(key, seconds)
