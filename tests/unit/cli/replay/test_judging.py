"""A record that is judged again by its own settings shows what happened."""

from __future__ import annotations

import random

import pytest

from mooring.cli.replay.judging import Course, judge_again
from mooring.cli.replay.record import read_record
from mooring.cli.replay.specs import as_recorded
from mooring.model.damping import FlapRule
from mooring.model.verdicts import Verdict
from support.recorded_day import BEGIN, A, B, Day


def again(day: Day) -> Course:
    record = read_record(day.record(), "day")
    (service,) = record.services
    return judge_again(service, as_recorded(service, "day"), record.at)


def turns(course: Course) -> list[tuple[float, str, Verdict]]:
    return sorted((at - BEGIN, address, verdict) for address, held in course.turns.items() for at, verdict in held)


@pytest.mark.parametrize("seed", range(8))
def test_its_own_settings_give_the_transitions_that_were(seed: int) -> None:
    """Whatever failed when, with the damping of hosts that go out again and again, and without."""
    chance = random.Random(seed)
    fails = {
        address: {2 * chance.randrange(1, 2000): chance.randrange(1, 8) for _ in range(chance.randrange(30))}
        for address in (A, B)
    }
    flap = FlapRule(2, 300.0, 30.0, 120.0) if seed % 2 else None
    day = Day(fails, failure=chance.randrange(1, 4), flap=flap, length=4400)
    course = again(day)
    assert turns(course) == sorted(day.changed)


def test_time_in_service_and_without_a_ready_host() -> None:
    """What was published, from the first outcome to the end of the record."""
    course = again(Day({A: {100: 10}, B: {104: 3}}, length=400))
    assert [one.back and (one.out - BEGIN, one.back - BEGIN) for one in course.outages(A)] == [(102.0, 122.0)]
    assert [one.back and (one.out - BEGIN, one.back - BEGIN) for one in course.outages(B)] == [(107.0, 113.0)]
    assert course.served(A) == pytest.approx(400 - 20)
    assert course.empty == pytest.approx(6.0)
