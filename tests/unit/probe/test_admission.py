"""Who is let in when, and how many a second."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mooring.probe.admission import ConnectLimiter, Permit, RateLimiter


def test_urgent_ones_go_first_and_each_in_its_order() -> None:
    """A host that is to be judged waits for no full login that can wait."""
    order: list[str] = []
    limiter = ConnectLimiter(1)
    first = limiter.enter(lambda: order.append("first"), urgent=False)
    waiting = [
        limiter.enter(lambda name=name: order.append(name), urgent=name[0] == "u")  # type: ignore[misc]  # bound now
        for name in ("p1", "u1", "p2", "u2")
    ]
    assert order == ["first"]
    first.leave()
    for permit in (waiting[1], waiting[3], waiting[0], waiting[2]):
        permit.leave()
    assert order == ["first", "u1", "u2", "p1", "p2"]


def test_a_place_is_given_back_once() -> None:
    """A permit that leaves twice makes room for one."""
    began: list[int] = []
    limiter = ConnectLimiter(1)
    permits = [limiter.enter(lambda number=number: began.append(number), urgent=True) for number in range(3)]  # type: ignore[misc]  # bound now
    permits[0].leave()
    permits[0].leave()
    assert began == [0, 1]


class Entrance(RuleBasedStateMachine):
    """Three places, and permits that come and go; the oracle only counts."""

    def __init__(self) -> None:
        super().__init__()
        self.limiter = ConnectLimiter(3)
        self.permits: list[Permit] = []
        self.began: list[int] = []
        self.left: set[int] = set()
        self.urgent: set[int] = set()

    @rule(urgent=st.booleans())
    def come(self, *, urgent: bool) -> None:
        number = len(self.permits)
        if urgent:
            self.urgent.add(number)
        self.permits.append(self.limiter.enter(lambda: self.began.append(number), urgent=urgent))

    @precondition(lambda self: self.permits)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.permits) - 1))
        self.left.add(number)
        self.permits[number].leave()

    @invariant()
    def as_many_as_there_is_room_for(self) -> None:
        inside = [number for number in self.began if number not in self.left]
        waiting = [
            number for number in range(len(self.permits)) if number not in self.began and number not in self.left
        ]
        assert len(inside) == min(3, len(inside) + len(waiting))
        assert len(self.began) == len(set(self.began))

    @invariant()
    def in_their_order(self) -> None:
        for kind in (self.urgent, set(self.began) - self.urgent):
            mine = [number for number in self.began if number in kind]
            assert mine == sorted(mine)


TestEntrance = Entrance.TestCase
TestEntrance.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


def test_the_pace_is_a_tenth_of_a_second_at_once_and_then_its_rate() -> None:
    """Fifty a second, five of them together; what was not used is not saved up."""
    pace = RateLimiter(50.0)
    assert [pace.allows(100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not pace.allows(100.019)
    assert pace.allows(100.021)
    assert [pace.allows(1000.0) for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize("rate", [1.0, 5.0, 50.0])
def test_a_low_rate_still_lets_one_in(rate: float) -> None:
    """However slow: never none at all."""
    assert RateLimiter(rate).allows(10.0)


@given(st.lists(st.floats(0, 0.1), max_size=200), st.sampled_from([1.0, 10.0, 50.0]))
def test_no_second_has_more_than_its_rate_and_a_tenth(steps: list[float], rate: float) -> None:
    """Whenever it is asked."""
    pace, now, let_in = RateLimiter(rate), 1000.0, list[float]()
    for step in steps:
        now += step
        if pace.allows(now):
            let_in.append(now)
    for start in let_in:
        assert sum(start <= at < start + 1 for at in let_in) <= rate + max(1.0, rate / 10) + 1
    assert all(before <= after for before, after in pairwise(let_in))
