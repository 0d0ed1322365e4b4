"""When each target is probed: APScheduler fires slots of targets, and jobs; a jump of the clock delays no target.

A period is cut into slots, and each target is put into one, so that the probes are spread and 1,000 targets do not
cost 1,000 jobs. APScheduler 3 computes by the wall clock alone. A thread beside it reports each jump of that clock, and
starts those jobs anew that a clock that was set back has moved into the future; where it was set back for a moment
only, it wakes the library, which would sleep on.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from mooring.model.clocks import Clocks
from mooring.model.targets import Target

SLOTS = 50
CROWD = 80
"""About how many targets share a slot: to ask so many together costs little more than to ask one."""
DIVISORS = (1, 2, 5, 10, 25, 50)
"""Into how many slots a period may be cut. They stand on one grid, so that a target keeps its turn when others come."""
JITTER = 0.02
"""Parts of a period by which a run may come early or late."""
FIRST_SECONDS = 5.0
"""Within so many seconds every new target is asked once, however long its period is: nothing is known of it yet."""
WATCH_SECONDS = 0.25
JUMP_SECONDS = 0.2
STEP_SECONDS = 0.01
"""A smaller step of the clock between two looks of the watch delays no turn by more than that."""
LOOKS = 8
"""Turns of the watch after a step in which it looks for strayed jobs; without a step it looks in one of so many."""
READINGS = 5
STRAYED_PERIODS = 1.5
"""Periods. A turn that lies further ahead shows that the clock was set back."""
OVERDUE = timedelta(seconds=WATCH_SECONDS)
"""A turn that is later than this shows that the scheduler oversleeps, or is busy."""
GOLDEN = 0.6180339887498949
"""Its multiples modulo one are evenly spread, however many there are (three-distance theorem)."""

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


class Once(BaseTrigger):  # type: ignore[misc]  # as Every
    """Fires once. The watch compares how far ahead that is with ``period``, and so sees that the clock was set back."""

    period = timedelta(seconds=FIRST_SECONDS)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        return now if previous_fire_time is None else None


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
        self._jobs: dict[float, list[Callable[[], None]]] = {}
        """Jobs of the same interval run together: each job that the library runs costs a wake and a tenth of a
        millisecond."""
        self._slots: dict[Slot, tuple[Target, ...]] = {}
        self._homes: dict[Target, Slot] = {}
        self._numbers = itertools.count()
        self._assigning = threading.Lock()
        self._stopped = threading.Event()
        self.turned_at = clocks.monotonic()
        """When the scheduler last ran its jobs, in monotonic seconds."""

    def start(self) -> None:
        self.every(1.0, self._turn)
        self._scheduler.start()
        threading.Thread(target=self._watch, name="clock-watch", daemon=True).start()

    def stop(self) -> None:
        """Waits for a round and an assignment under way, both of which are quick; what is assigned later is ignored."""
        self._stopped.set()
        with self._assigning:
            if self._scheduler.running:
                # A round that meets the library's end raises where a job of it was the last: it may not remove it.
                self._scheduler.remove_all_jobs()
                self._scheduler.shutdown(wait=False)

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        """Runs the job now, and then at this interval. It must be quick: it runs in the scheduler's thread."""
        jobs = self._jobs.setdefault(seconds, [])
        jobs.append(job)
        if len(jobs) == 1:
            self._scheduler.add_job(self._run_all, Every(seconds), args=(jobs,), next_run_time=self._now())
        else:
            job()

    def _run_all(self, jobs: list[Callable[[], None]]) -> None:
        for job in tuple(jobs):
            job()

    def assign(self, targets: Mapping[Target, float]) -> None:
        """From now on asks these targets, each once in its period (seconds); those known already keep their turn."""
        with self._assigning:
            if not self._stopped.is_set():
                self._assign(targets)

    def _assign(self, targets: Mapping[Target, float]) -> None:
        homes = {t: s for t, s in self._homes.items() if targets.get(t) == s[0]}
        crowds = Counter(targets.values())
        for target, period in targets.items():
            if target not in homes:
                homes[target] = (period, _slot_index(next(self._numbers), crowds[period]))
        slots: dict[Slot, tuple[Target, ...]] = {}
        for target, slot in homes.items():
            slots[slot] = (*slots.get(slot, ()), target)
        early = [one for one in homes if one not in self._homes and targets[one] > FIRST_SECONDS]
        gone, new = self._slots.keys() - slots.keys(), slots.keys() - self._slots.keys()
        self._homes, self._slots = homes, slots
        for slot in gone:
            self._scheduler.remove_job(_job_id(slot))
        for slot in new:
            self._add(slot)
        self._ask_soon(early)

    def _ask_soon(self, targets: Sequence[Target]) -> None:
        """Asks each of these once before its first turn, spread over ``FIRST_SECONDS``."""
        for index in range(min(SLOTS, len(targets))):
            at = self._now() + timedelta(seconds=FIRST_SECONDS * index / SLOTS)
            self._scheduler.add_job(self._ask, Once(), args=(tuple(targets[index::SLOTS]),), next_run_time=at)

    def _add(self, slot: Slot) -> None:
        self._scheduler.add_job(
            self._fire,
            Every(slot[0], JITTER),
            id=_job_id(slot),
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
        apart, looks = _apart(self._clocks), LOOKS
        while not self._stopped.wait(WATCH_SECONDS):
            now_apart = _apart(self._clocks)
            jump, apart = now_apart - apart, now_apart
            looks = LOOKS if abs(jump) > STEP_SECONDS else looks - 1
            if looks > 0 or looks % LOOKS == 0:
                self._mend_turns()
            if abs(jump) > JUMP_SECONDS:
                self._on_jump(jump)

    def _mend_turns(self) -> None:
        """Starts those jobs anew whose turn lies further ahead than a period, and wakes the scheduler for overdue ones.

        The watch looks for them at every turn after a jump, and else every two seconds: the scheduler may read the
        clock just before a jump and set the next turn just after it. A clock that was set back while the scheduler
        computed how long to sleep, and was right again before the watch looked, is no jump: the scheduler oversleeps.
        """
        offsets = {_job_id(slot): _offset(slot) for slot in self._slots}
        overdue = False
        for job in self._scheduler.get_jobs():
            ahead = job.next_run_time - self._now()
            overdue = overdue or ahead < -OVERDUE
            if ahead > STRAYED_PERIODS * job.trigger.period:
                with suppress(JobLookupError):  # assign() has removed it meanwhile
                    job.modify(next_run_time=self._now() + offsets.get(job.id, timedelta()))
        if overdue:
            self._scheduler.wakeup()


def _apart(clocks: Clocks) -> float:
    """By how much the wall clock is ahead of the monotonic one, in seconds.

    A busy machine may take the processor away between two readings, which is no jump of a clock: the closest of a few
    readings counts.
    """
    taken = []
    for _ in range(READINGS):
        before, wall, after = clocks.monotonic(), clocks.wall(), clocks.monotonic()
        taken.append((after - before, wall - before))
    return min(taken)[1]


def _slot_index(number: int, crowd: int) -> int:
    """The slot of the ``number``-th target, one of ``crowd`` with its period."""
    slots = next((slots for slots in DIVISORS if slots * CROWD >= crowd), SLOTS)
    return int(number * GOLDEN % 1 * slots) * (SLOTS // slots)


def _job_id(slot: Slot) -> str:
    return f"{slot[0]}/{slot[1]}"


def _offset(slot: Slot) -> timedelta:
    period, index = slot
    return timedelta(seconds=period * index / SLOTS)
