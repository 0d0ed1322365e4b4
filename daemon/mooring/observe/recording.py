"""Notes in the records of hosts which write published a change of their verdict."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.judge.record import Stored
from mooring.judge.store import HealthStore
from mooring.model.events import Event, Published
from mooring.model.objects import Condition, EndpointsWrite, Write
from mooring.model.verdicts import Verdict
from mooring.plan.admission import object_name


class Recording:
    """A listener."""

    def __init__(self, store: HealthStore) -> None:
        self._store = store

    def write(self, event: Event) -> None:
        if not isinstance(event, Published):
            return
        records = self._store.records(event.change.key)
        stored = Stored(event.at, _title(event.change), event.version)
        for address, verdict in _verdicts(event.change):
            if record := records.get(address):
                record.note_stored(verdict, stored)


def _title(change: Write) -> str:
    name = object_name(change)
    return f"EndpointSlice {name}" if name else "Endpoints"


def _verdicts(change: Write) -> Iterator[tuple[str, Verdict]]:
    """Each address that the write publishes, and as what."""
    if isinstance(change, EndpointsWrite):
        for subset in change.subsets:
            yield from ((address, Verdict.READY) for address in subset.ready)
            yield from ((address, Verdict.NOT_READY) for address in subset.not_ready)
    elif change.after is not None:
        for one in change.after.endpoints:
            yield one.address, Verdict.READY if one.condition is Condition.READY else Verdict.NOT_READY
