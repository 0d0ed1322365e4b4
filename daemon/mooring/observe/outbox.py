"""A queue with a bound and a thread of its own, for what may be slow: a log, an API server, a terminal.

A thread that probes or publishes hands a thing over and goes on. What does not fit is dropped, counted and reported.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from mooring.model.events import Event

BOUND = 10_000
REPORT_SECONDS = 10.0
"""How often a slow reader that never catches up gets a report of what was dropped."""
Item = TypeVar("Item")


class Outbox(Generic[Item]):
    """Calls ``handle`` with each item, in order, in a thread of its own. From any thread.

    ``handle`` may take as long as it likes. ``report`` gets, in the same thread, how many items were dropped since the
    last report: once all that waited is handled, or every 10 s.
    """

    def __init__(
        self, name: str, handle: Callable[[Item], None], report: Callable[[int], None], bound: int = BOUND
    ) -> None:
        self.name = name
        self._handle, self._report, self._bound = handle, report, bound
        self._waiting: queue.SimpleQueue[Item | threading.Event] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._dropped = self._reported = 0
        self._reported_at = time.monotonic()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def dropped(self) -> int:
        """Items that were never handled, since the start."""
        return self._dropped

    def put(self, item: Item) -> None:
        """Never waits."""
        if self._waiting.qsize() < self._bound:
            self._waiting.put(item)
        else:
            self.drop()

    def drop(self) -> None:
        """Counts one item that did not fit, or that ``handle`` could not deliver."""
        with self._lock:
            self._dropped += 1

    def flush(self, seconds: float) -> bool:
        """Waits, at most so long, until all that was put before is handled; returns whether it is."""
        done = threading.Event()
        self._waiting.put(done)
        return done.wait(seconds)

    def _run(self) -> None:
        while True:
            item = self._waiting.get()
            if isinstance(item, threading.Event):
                self._report_dropped()
                item.set()
            else:
                self._handle(item)
                self._report_dropped()

    def _report_dropped(self) -> None:
        dropped, now = self._dropped, time.monotonic()
        if dropped > self._reported and (self._waiting.empty() or now - self._reported_at >= REPORT_SECONDS):
            self._report(dropped - self._reported)
            self._reported, self._reported_at = dropped, now


class QueuedListener(Protocol):
    """A listener whose ``write`` never waits, because it only fills its outbox."""

    outbox: Outbox[Any]

    def write(self, event: Event) -> None: ...
