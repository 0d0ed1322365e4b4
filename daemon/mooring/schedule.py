"""When: APScheduler fires slots of targets and housekeeping; a jump of the wall clock starves nobody.

A period is cut into slots, and each target is put into one, so that the probes are spread and 1,000 targets do not
cost 1,000 jobs. APScheduler 3 computes by the wall clock alone; a watch beside it puts right what a clock that was set
back has moved into the future, and tells of each jump.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from mooring.clocks import Clocks
from mooring.model import Target

SLOTS = 50
CROWD = 80
"""Targets in a slot, roughly: to ask so many together costs little more than to ask one."""
DIVISORS = (1, 2, 5, 10, 25, 50)
"""Into how many slots a period may be cut. They stand on one grid, so that a target keeps its turn when others come."""
JITTER = 0.02
"""Parts of a period by which a run may come early or late."""
WATCH_SECONDS = 0.25
JUMP_SECONDS = 0.2
STRAYED_PERIODS = 1.5
"""A turn is never further ahead than a period and its jitter, unless the clock was set back."""
GOLDEN = 0.6180339887498949
"""Multiples of it, modulo one, stay evenly spread however many there are (three-distance theorem)."""

Slot = tuple[float, int]


class Every(BaseTrigger):  # type: ignore[misc]  # the library ships no types
    """Fires once a period, a little early or late; turns that were missed are gone.

    The library's own interval trigger lists every missed turn first: after a jump of ten days that took seconds.
    """

    def __init__(self, seconds: float, jitter: float = 0.0) -> None:
        self.period = timedelta(seconds=seconds)
        self._jitter = jitter

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        if previous_fire_time is None:
            return now
        missed = max(0, (now - previous_fire_time) // self.period)
        swing = random.uniform(-self._jitter, self._jitter)  # noqa: S311 -- no secret
        return previous_fire_time + (missed + 1 + swing) * self.period


class Schedule:
    """Calls ``ask`` with the targets of a slot, once a period; ``on_jump`` gets the seconds of a jump of the clock."""

    def __init__(
        self, ask: Callable[[tuple[Target, ...]], None], on_jump: Callable[[float], None], clocks: Clocks
    ) -> None:
        self._ask = ask
        self._on_jump = on_jump
        self._clocks = clocks
        # Jobs only hand over to others, so they run in the scheduler's own thread.
        self._scheduler = BackgroundScheduler(
            executors={"default": DebugExecutor()},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
            timezone=UTC,
        )
        self._slots: dict[Slot, tuple[Target, ...]] = {}
        self._homes: dict[Target, Slot] = {}
        self._numbers = itertools.count()
        self._assigning = threading.Lock()
        self._stopped = threading.Event()
        self.turned_at = clocks.monotonic()
        """Monotonic seconds when the scheduler last did its housekeeping."""

    def start(self) -> None:
        self.every(1.0, self._turn)
        self._scheduler.start()
        threading.Thread(target=self._watch, name="clock-watch", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        """Housekeeping: runs the job (quick, or a hand-over) now and then at this interval."""
        self._scheduler.add_job(job, Every(seconds), next_run_time=self._now())

    def assign(self, targets: Mapping[Target, float]) -> None:
        """From now on these targets are asked, each once per its period in seconds; known ones keep their turn."""
        with self._assigning:
            self._assign(targets)

    def _assign(self, targets: Mapping[Target, float]) -> None:
        homes = {t: s for t, s in self._homes.items() if targets.get(t) == s[0]}
        crowds = Counter(targets.values())
        for target, period in targets.items():
            if target not in homes:
                homes[target] = (period, _place(next(self._numbers), crowds[period]))
        slots: dict[Slot, tuple[Target, ...]] = {}
        for target, slot in homes.items():
            slots[slot] = (*slots.get(slot, ()), target)
        gone, new = self._slots.keys() - slots.keys(), slots.keys() - self._slots.keys()
        self._homes, self._slots = homes, slots
        for slot in gone:
            self._scheduler.remove_job(_name(slot))
        for slot in new:
            self._add(slot)

    def _add(self, slot: Slot) -> None:
        self._scheduler.add_job(
            self._fire,
            Every(slot[0], JITTER),
            id=_name(slot),
            args=(slot,),
            next_run_time=self._now() + _offset(slot),
        )

    def _fire(self, slot: Slot) -> None:
        if targets := self._slots.get(slot):
            self._ask(targets)

    def _turn(self) -> None:
        self.turned_at = self._clocks.monotonic()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clocks.wall(), UTC)

    def _watch(self) -> None:
        apart = self._clocks.wall() - self._clocks.monotonic()
        while not self._stopped.wait(WATCH_SECONDS):
            self._recall()
            now_apart = self._clocks.wall() - self._clocks.monotonic()
            jump, apart = now_apart - apart, now_apart
            if abs(jump) > JUMP_SECONDS:
                self._on_jump(jump)

    def _recall(self) -> None:
        """Jobs whose turn lies further ahead than a period start anew: the clock was set back.

        Looked for at each turn of the watch and not only at a jump, for the scheduler may read the clock just before
        a jump and set the next turn just after it.
        """
        offsets = {_name(slot): _offset(slot) for slot in self._slots}
        for job in self._scheduler.get_jobs():
            if job.next_run_time - self._now() > STRAYED_PERIODS * job.trigger.period:
                with suppress(JobLookupError):  # was removed in the meantime
                    job.modify(next_run_time=self._now() + offsets.get(job.id, timedelta()))


def _place(number: int, crowd: int) -> int:
    """The slot of the ``number``-th target, one of ``crowd`` with its period."""
    slots = next((slots for slots in DIVISORS if slots * CROWD >= crowd), SLOTS)
    return int(number * GOLDEN % 1 * slots) * (SLOTS // slots)


def _name(slot: Slot) -> str:
    return f"{slot[0]}/{slot[1]}"


def _offset(slot: Slot) -> timedelta:
    period, index = slot
    return timedelta(seconds=period * index / SLOTS)
