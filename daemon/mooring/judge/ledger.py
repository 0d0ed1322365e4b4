"""Bounds what the records of all hosts keep together: the oldest entries of the most restless hosts go first."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from typing import Protocol
from weakref import WeakValueDictionary

MOST_ENTRIES = 50_000
"""Of all hosts: about 40 MiB where each entry has the longest message, and a fifth of that with usual ones."""
FREED = 64
"""The part of all entries that is freed at once, as a divisor: to look at all hosts for each new entry costs more."""
QUARTER = 4
DAY_SECONDS = 86_400.0
"""A transition that is younger goes only where nothing else is left to drop."""


class Record(Protocol):
    """What the ledger asks of the record of a host."""

    ledger: Ledger | None

    def __len__(self) -> int: ...

    def spare(self, before: float) -> int: ...

    def drop(self, count: int, before: float) -> int: ...


@dataclass(slots=True)
class Ledger:
    """Knows all records, and how many entries they have. A record that nobody holds any more leaves by itself."""

    most: int = MOST_ENTRIES
    entries: int = 0
    now: float = 0.0
    """When the latest entry came, in Unix seconds."""
    records: WeakValueDictionary[int, Record] = field(default_factory=WeakValueDictionary)

    def enroll(self, record: Record) -> None:
        """Counts this record, too."""
        if record.ledger is not self:
            record.ledger = self
            self.records[id(record)] = record
            self.entries += len(record)

    def note_entry(self, now: float) -> None:
        """One of the records has grown by an entry; ``now`` is Unix seconds."""
        self.entries += 1
        self.now = max(self.now, now)
        if self.entries > self.most:
            self._free(self.now - DAY_SECONDS)
            self._free(inf)

    def _free(self, before: float) -> None:
        """Drops entries until there is room again, or none may go. Transitions from ``before`` on stay."""
        records = list(self.records.values())
        self.entries = sum(map(len, records))
        goal = self.most - self.most // FREED
        restless = [(-record.spare(before), number) for number, record in enumerate(records)]
        heapify(restless)
        while self.entries > goal and restless[0][0] < 0:
            spare, number = heappop(restless)
            dropped = records[number].drop(max(1, -spare // QUARTER), before)
            self.entries -= dropped
            heappush(restless, (spare + dropped, number))
