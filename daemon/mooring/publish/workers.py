"""The threads that work on what a queue holds: each takes a key, works, and takes the next."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Hashable, Iterable
from typing import Generic

from mooring.publish.queue import Again, Cause, Key, Lanes, WorkQueue

LANES = Lanes()


class Workers(Generic[Key]):
    """``work`` gets one key at a time, and returns when the key is due again; None where only a cause brings it back.

    ``group`` is as in the queue. One thread always waits, up to ``lanes.most`` threads in all, so that slow work delays
    no other key.
    """

    def __init__(
        self,
        work: Callable[[Key], Again | None],
        monotonic: Callable[[], float],
        lanes: Lanes = LANES,
        group: Callable[[Key], Hashable] = lambda _key: None,
    ) -> None:
        self._work = work
        self._monotonic = monotonic
        self._lanes = lanes
        self._queue = WorkQueue[Key](lanes, group)
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._stopping = False
        self._watched_until = math.inf
        """When the thread that watches the queue's times wakes, in monotonic seconds; infinite: none does."""
        self._turns: dict[Key, float] = {}

    def start(self, first: Callable[[], None]) -> None:
        """Calls ``first`` in a thread of its own, and then works there."""
        self._threads += 1
        threading.Thread(target=self._begin, args=(first,), name="publish", daemon=True).start()

    def _begin(self, first: Callable[[], None]) -> None:
        first()
        self._run()

    def stop(self, seconds: float) -> bool:
        """Begins no new work; returns whether the work under way ended within so many seconds."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._queue.working, seconds)

    @property
    def stopping(self) -> bool:
        return self._stopping

    def add(self, keys: Iterable[Key], cause: Cause) -> None:
        """These keys are to be worked on now."""
        with self._changed:
            for key in keys:
                self._queue.add(key, cause)
            self._changed.notify()

    def add_after(self, key: Key, seconds: float, cause: Cause) -> None:
        """The key is to be worked on in so many seconds, if not before."""
        with self._changed:
            self._queue.add_at(key, self._monotonic() + seconds, cause)
            self._changed.notify()

    def forget(self, keys: Iterable[Key]) -> None:
        with self._changed:
            self._queue.forget(keys)

    def run_due(self) -> None:
        """Works on all that is due, in the thread that calls: for commands that end."""
        while (key := self._take()) is not None:
            self._finish(key, self._work(key))

    def turn(self, key: Key) -> None:
        """The work on the key reports that it begins its next call, which is bounded in time."""
        self._turns[key] = self._monotonic()

    @property
    def turned_at(self) -> float:
        """When the oldest call under way began; now, where nobody works."""
        return min(self._turns.copy().values(), default=self._monotonic())

    def _run(self) -> None:
        while (key := self._next()) is not None:
            self._finish(key, self._work(key))

    def _next(self) -> Key | None:
        """Waits for a key; None once the workers stop."""
        with self._changed:
            self._idle += 1
            try:
                while not self._stopping:
                    if (key := self._take()) is not None:
                        return key
                    self._rest()
                return None
            finally:
                self._idle -= 1
                if not self._stopping:
                    self._hand_on()

    def _rest(self) -> None:
        """Waits for news. One thread watches the time for all: otherwise each due key would wake them all."""
        now = self._monotonic()
        due = self._queue.next_at(now)
        if due is None or due >= self._watched_until:
            self._changed.wait()
            return
        self._watched_until = due
        self._changed.wait(due - now)
        if self._watched_until == due:
            self._watched_until = math.inf

    def _take(self) -> Key | None:
        with self._changed:
            now = self._monotonic()
            key = None if self._stopping else self._queue.take(now)
            if key is not None:
                self._turns[key] = now
            return key

    def _finish(self, key: Key, again: Again | None) -> None:
        with self._changed:
            self._turns.pop(key, None)
            self._queue.done(key, self._monotonic(), again)
            if self._stopping:
                self._changed.notify_all()

    def _hand_on(self) -> None:
        """Lets another thread wait in place of this one."""
        if self._idle:
            self._changed.notify()
        else:
            self._hire()

    def _hire(self) -> None:
        if self._threads < self._lanes.most:
            # Where the process can start no more threads, the present ones do the work.
            with contextlib.suppress(RuntimeError):
                threading.Thread(target=self._run, name="publish", daemon=True).start()
                self._threads += 1
