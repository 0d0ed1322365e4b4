"""When targets are asked. Real APScheduler, real time, generous deadlines."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from ground.values import target
from ground.waiting import wait_until
from mooring.clocks import Clocks
from mooring.model import Target
from mooring.schedule import Schedule


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

    def counts(self) -> Counter[Target]:
        return Counter({target: len(times) for target, times in self.times.items()})


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
    begun = asked.clocks.monotonic()
    asked.schedule.assign(dict.fromkeys(targets(400), 1.0))
    wait_until(lambda: len(asked.times) == 400, 5, "every target asked once")
    firsts = Counter(round(times[0] - begun, 2) for times in asked.times.values())
    assert max(firsts) < 2.0
    assert len(firsts) >= 4
    assert max(firsts.values()) < 150


def test_each_target_keeps_its_own_period(asked: Asked) -> None:
    """A host with a period of 0.2 s is asked about five times as often as one with a period of 1 s."""
    fast, slow = targets(2)
    asked.schedule.assign({fast: 0.2, slow: 1.0})
    wait_until(lambda: asked.counts()[slow] >= 4, 10, "the slow one asked four times")
    assert 13 <= asked.counts()[fast] <= 25


def test_known_targets_keep_their_turn_when_others_come_and_go(asked: Asked) -> None:
    """A new host disturbs nobody, and a removed one is not asked any more."""
    stays, goes, comes = targets(3)
    asked.schedule.assign({stays: 0.3, goes: 0.3})
    wait_until(lambda: asked.counts()[stays] >= 2 and asked.counts()[goes] >= 2, 5, "two rounds")
    asked.schedule.assign({stays: 0.3, comes: 0.3})
    asked.times.pop(goes)
    wait_until(lambda: asked.counts()[stays] >= 6 and asked.counts()[comes] >= 3, 5, "four more rounds")
    assert goes not in asked.times
    gaps = [after - before for before, after in itertools.pairwise(asked.times[stays])]
    assert max(gaps) < 0.9


def test_housekeeping_turns_the_scheduler(asked: Asked) -> None:
    """The scheduler's own sign of life moves while it runs, and jobs run beside the probes."""
    ran = threading.Event()
    asked.schedule.every(0.1, ran.set)
    assert ran.wait(5)
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


def test_an_ordinary_clock_is_no_jump(asked: Asked) -> None:
    """While the clocks keep step, nothing is started anew."""
    asked.schedule.assign({target(): 0.2})
    wait_until(lambda: asked.counts()[target()] >= 5, 5, "five rounds")
    assert asked.jumps == []
