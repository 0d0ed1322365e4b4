"""When targets are asked. Real APScheduler, real time, generous deadlines."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from lab.values import target
from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.model.targets import Target
from mooring.probe.schedule import FIRST_SECONDS, JITTER, STEP_SECONDS, Schedule, _apart, _job_id


class Asked:
    """What a schedule asked, and when."""

    def __init__(self) -> None:
        self.times: dict[Target, list[float]] = {}
        self.jumps: list[float] = []
        self.clocks = Clocks()
        self.schedule = Schedule(self.ask, self.jumps.append, self.clocks)

    def ask(self, targets: tuple[Target, ...]) -> None:
        for one in targets:
            self.times.setdefault(one, []).append(self.clocks.monotonic())

    def due(self) -> dict[Target, datetime]:
        """When each target is asked next."""
        turns = {job.id: job.next_run_time for job in self.schedule._scheduler.get_jobs()}
        return {target: turns[_job_id(slot)] for target, slot in self.schedule._homes.items()}

    @contextmanager
    def held(self) -> Iterator[None]:
        """No job runs meanwhile; to pause the scheduler does not hold up a round that it has begun."""
        with self.schedule._scheduler._jobstores_lock:
            yield

    def counts(self) -> Counter[Target]:
        return Counter({target: len(times) for target, times in list(self.times.items())})


@pytest.fixture
def asked() -> Iterator[Asked]:
    asked = Asked()
    asked.schedule.start()
    yield asked
    asked.schedule.stop()


def targets(count: int) -> list[Target]:
    return [target(f"10.20.0.{number}") for number in range(1, count + 1)]


def test_the_first_round_is_spread_over_one_period(asked: Asked) -> None:
    """Every target is asked within its first period, and not all of them at once."""
    with asked.held():
        begun = asked.schedule._now()
        asked.schedule.assign(dict.fromkeys(targets(400), 2.0))
        due = asked.due()
    assert max(due.values()) <= asked.schedule._now() + timedelta(seconds=2)
    assert min(due.values()) >= begun
    firsts = Counter(due.values())
    assert len(firsts) >= 4
    assert max(firsts.values()) < 150
    wait_until(lambda: len(asked.times) == 400, 20, "every target asked once")


def test_a_target_with_a_long_period_is_asked_soon_for_the_first_time(asked: Asked) -> None:
    """At the start and after a reload each new host is asked within seconds, though its turns are an hour apart."""
    first, more = targets(400)[:300], targets(400)[300:]
    for known in (first, first + more):
        asked.schedule.assign(dict.fromkeys(known, 3600.0))
        wait_until(lambda known=known: len(asked.times) == len(known), FIRST_SECONDS + 5, "every target asked")  # type: ignore[misc]  # a default binds it
    assert max(asked.counts().values()) <= 2, "its turn may come as soon"


def test_each_target_keeps_its_own_period(asked: Asked) -> None:
    """A host with a period of 0.2 s is asked five times as often as one with a period of 1 s, and neither too often."""
    periods = dict(zip(targets(2), (0.2, 1.0), strict=True))
    asked.schedule.assign(periods)
    wait_until(lambda: min(asked.counts()[one] for one in periods) >= 4, 20, "both to be asked four times")
    for one, period in periods.items():
        times = asked.times[one]
        assert len(times) <= 2 + (times[-1] - times[0]) / ((1 - JITTER) * period), "too often"
        due = asked.due()[one]
        assert due <= asked.schedule._now() + timedelta(seconds=(1 + JITTER) * period), "too seldom"


def test_known_targets_keep_their_turn_when_others_come_and_go(asked: Asked) -> None:
    """A new host disturbs nobody, and a removed one is not asked any more."""
    stays, goes, comes = targets(3)
    asked.schedule.assign({stays: 0.3, goes: 0.3})
    wait_until(lambda: asked.counts()[stays] >= 2 and asked.counts()[goes] >= 2, 5, "two rounds")
    with asked.held():
        due = asked.due()[stays]
        asked.schedule.assign({stays: 0.3, comes: 0.3})
        assert asked.due()[stays] == due
        asked.times.pop(goes)
    wait_until(lambda: asked.counts()[stays] >= 6 and asked.counts()[comes] >= 3, 5, "four more rounds")
    assert goes not in asked.times


def test_housekeeping_turns_the_scheduler(asked: Asked) -> None:
    """The scheduler's own sign of life moves while it runs, and jobs run beside the probes."""
    ran = threading.Event()
    asked.schedule.every(0.1, ran.set)
    assert ran.wait(20)
    before = asked.schedule.turned_at
    wait_until(lambda: asked.schedule.turned_at > before, 5, "a turn")


def test_one_reading_of_the_clock_from_before_a_jump_starves_nobody(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler reads the clock, the clock is set back an hour, the scheduler goes on with what it read.

    Nothing makes a real clock jump within those microseconds, so one reading is replaced.
    """
    asked.schedule.assign({target(): 0.2})
    wait_until(lambda: asked.counts()[target()] >= 2, 5, "two rounds")
    stale = [datetime.now(UTC) + timedelta(hours=1)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # an ordinary datetime will do
            return stale.pop() if stale else datetime.now(tz)

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Clock)
    wait_until(lambda: not stale, 5, "the stale reading")
    before = asked.counts()[target()]
    wait_until(lambda: asked.counts()[target()] >= before + 3, 5, "three more rounds")


def test_a_clock_that_was_set_back_for_a_moment_starves_nobody(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is an hour back while the scheduler computes its next sleep, and right again before the watch looks."""
    asked.schedule.assign({target(): 0.2})
    wait_until(lambda: asked.counts()[target()] >= 2, 20, "two rounds")
    scheduler, rounds = asked.schedule._scheduler, list[int]()
    process = scheduler._process_jobs

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # an ordinary datetime will do
            return datetime.now(tz) - timedelta(hours=len(rounds) == 1)

    def one_round() -> float | None:
        rounds.append(asked.counts()[target()])
        wait: float | None = process()
        rounds.append(asked.counts()[target()])
        return wait

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Clock)
    monkeypatch.setattr(scheduler, "_process_jobs", one_round)
    wait_until(lambda: len(rounds) > 1, 20, "the round with the clock an hour back")
    before = asked.counts()[target()]
    wait_until(lambda: asked.counts()[target()] >= before + 3, 20, "three more rounds")


def test_an_ordinary_clock_is_no_jump(asked: Asked) -> None:
    """While the clocks keep step, nothing is started anew."""
    asked.schedule.assign({target(): 0.2})
    wait_until(lambda: asked.counts()[target()] >= 5, 5, "five rounds")
    assert asked.jumps == []


def test_it_may_be_stopped_in_the_middle_of_a_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a daemon that ends a moment after its start: no thread dies of it, which would count as a defect."""
    defects: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: defects.append(arguments.exc_value))
    inside, go = threading.Event(), threading.Event()

    def ask(_: tuple[Target, ...]) -> None:
        inside.set()
        go.wait(60)

    schedule = Schedule(ask, lambda _jump: None, Clocks())
    schedule.start()
    schedule.assign({target(): 3600.0})
    assert inside.wait(60)
    stopping = threading.Thread(target=schedule.stop)
    stopping.start()
    assert schedule._stopped.wait(60)
    time.sleep(0.2)  # so that it meets the question
    go.set()
    stopping.join(60)
    assert (defects, schedule._scheduler.running) == ([], False)


def test_what_is_assigned_after_the_end_changes_nothing(asked: Asked) -> None:
    """The thread that assigns may be a little behind the one that ends the daemon."""
    asked.schedule.assign({target(): 0.2})
    asked.schedule.stop()
    asked.schedule.assign({})
    asked.schedule.stop()


def test_a_busy_machine_makes_no_clock_jump() -> None:
    """The processor may be taken away between the readings of the two clocks: that moves neither of them."""
    now, readings = 1000.0, itertools.count()

    def monotonic() -> float:
        nonlocal now
        now += 0.5 if next(readings) % 7 == 1 else 0.001
        return now

    clocks = Clocks(monotonic, lambda: now + 1_700_000_000.0)
    apart = [_apart(clocks) for _ in range(100)]
    assert max(apart) - min(apart) < STEP_SECONDS
