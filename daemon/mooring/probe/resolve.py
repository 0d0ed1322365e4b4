"""The addresses of the file's DNS names: looked up every 5 s, or sooner where the TTL is shorter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf

from mooring.judge.members import NameRecord, update
from mooring.model.clocks import Clocks
from mooring.probe.lookup import Lookup, look_up
from mooring.protocols.transport.workers import Workers

REFRESH_SECONDS = 1.0
"""How often Mooring begins the lookups that are due."""
LOOKUP_SECONDS = 5.0
LEAST_SECONDS = 1.0
"""Between two lookups of a name, however short its TTL."""
COUNT_SECONDS = 0.9 * LOOKUP_SECONDS
"""The least time between two misses that count, however short the TTL: some zones list only a part of their addresses
each time."""
MISS_SECONDS = 30.0
"""After this a miss counts even where a resolver gives its cached answer."""
BATCHES = 4
"""Threads for lookups: each second begins one batch, and none takes longer than a lookup's lifetime."""
TOGETHER = 256
"""Lookups under way in a batch: each has two sockets and more."""


@dataclass(slots=True)
class _Name:
    """One name; times are monotonic seconds."""

    record: NameRecord = field(default_factory=NameRecord)
    due_at: float = -inf
    good_until: float = -inf
    """The end of the last answer's TTL: an answer with the same end comes from the resolver's cache."""
    counted_at: float = -inf
    """When an answer last counted misses."""
    why: str = "was not looked up yet"

    def take(self, answer: Lookup, now: float) -> bool:
        """Takes the answer of a lookup; whether the addresses or the reason have changed."""
        ttl = 0.0 if answer.ttl is None else answer.ttl
        new = ttl < 1 or now + ttl > self.good_until + 1 or now >= self.counted_at + MISS_SECONDS
        fresh = new and now >= self.counted_at + COUNT_SECONDS
        before = self.record.addresses, self.why
        self.due_at = now + (LOOKUP_SECONDS if answer.ttl is None else min(LOOKUP_SECONDS, max(LEAST_SECONDS, ttl)))
        kept = [held for held in self.record.addresses if (6 if ":" in held else 4) in answer.unknown]
        self.record = update(self.record, (*answer.addresses, *kept), counts=fresh)
        if answer.addresses:
            self.good_until = now + ttl
            self.counted_at = now if fresh else self.counted_at
        self.why = answer.why
        return before != (self.record.addresses, self.why)


class Names:
    """Keeps the addresses of each name; ``on_change`` is called in a thread after those of a name have changed.

    A lookup that hangs delays no other name: all names that are due are looked up together.
    """

    def __init__(
        self,
        names: Iterable[str],
        on_change: Callable[[], None],
        look: Callable[[str], Awaitable[Lookup]] = look_up,
        clocks: Clocks | None = None,
    ) -> None:
        self._names = {name: _Name() for name in names}
        self._on_change = on_change
        self._look = look
        self._now = (clocks or Clocks()).monotonic
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._fresh = set(self._names)
        self.looked = threading.Event()
        """Set once every name was looked up, whether that succeeded or not."""
        self._batches = Workers("lookup", BATCHES)
        self._changes = Workers("names", 1)

    def __bool__(self) -> bool:
        return bool(self._names)

    def replace(self, names: Iterable[str]) -> None:
        """From now on keeps these names; known ones keep their addresses, new ones are looked up at once."""
        with self._lock:
            self._names = {name: self._names.get(name) or _Name() for name in names}
            self._fresh &= self._names.keys()
        self.refresh()

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        with self._lock:
            return {name: one.record.addresses for name, one in self._names.items()}

    def reasons(self) -> Mapping[str, str]:
        """Why the last lookup found no address, for each name for which it found none."""
        with self._lock:
            return {name: one.why for name, one in self._names.items() if one.why}

    def refresh(self) -> None:
        """Begins the lookups that are due, but for names whose last lookup has not ended; returns at once."""
        now = self._now()
        with self._lock:
            due = [name for name, one in self._names.items() if one.due_at <= now and name not in self._busy]
            self._busy.update(due)
        if not due:
            return
        try:
            self._batches.submit(partial(self._learn_together, due))
        except RuntimeError:  # the process may have no thread more: the next turn tries again
            with self._lock:
                self._busy.difference_update(due)

    def learn(self, *names: str) -> None:
        """Looks these names up, in the caller's thread."""
        if asyncio.run(self._learn_all(names, lambda: None)):
            self._on_change()

    def _learn_together(self, names: Iterable[str]) -> None:
        try:
            asyncio.run(self._learn_all(names, self._report_change))
        except OSError:  # no descriptor is left: the next turn tries again
            with self._lock:
                self._busy.difference_update(names)

    def _report_change(self) -> None:
        try:
            self._changes.submit(self._on_change)
        except RuntimeError:  # the process may have no thread more
            self._on_change()

    async def _learn_all(self, names: Iterable[str], on_each: Callable[[], None]) -> bool:
        room = asyncio.Semaphore(TOGETHER)

        async def learn(name: str) -> bool:
            async with room:
                answer = await self._look(name)
            if changed := self._take(name, answer):
                on_each()
            return changed

        return any(await asyncio.gather(*map(learn, names)))

    def _take(self, name: str, answer: Lookup) -> bool:
        with self._lock:
            one = self._names.get(name)  # None: the file lists the name no more
            changed = one is not None and one.take(answer, self._now())
            self._busy.discard(name)
            self._fresh.discard(name)
            if not self._fresh:
                self.looked.set()
        return changed
