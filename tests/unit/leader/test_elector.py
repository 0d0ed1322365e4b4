"""Candidates over one Lease: a model world with its own time, as no real server can be paused at every step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.waiting import wait_until
from mooring.leader.election import Claim, Lease, LeaseTimings
from mooring.leader.elector import LeaderElector, NoElection
from mooring.model.clocks import Clocks
from mooring.model.errors import Conflict, Rejected, Unavailable
from mooring.model.events import Event, LeaderChanged, LeaseFailed

TIMINGS = LeaseTimings(lease=15, renew=10, retry=2)
PAUSES = st.sampled_from([0.0, 2.0, 5.0, 9.9, 15.0])
FATES = st.sampled_from(["stored"] * 9 + ["lost", "never-arrives", "refused"])


class World:
    """One Lease that is compared and swapped, one time, and what a test decides to happen in between."""

    def __init__(self, *names: str) -> None:
        self.now = 0.0
        self.lease: Lease | None = None
        self.versions = 0
        self.date: float | None = None
        self.takes: list[str] = []
        self.busy: set[str] = set()
        self.between: Callable[[], None] = lambda: None
        self.fate: Callable[[], str] = lambda: "stored"
        self.sees: Callable[[], bool] = lambda: True
        self.stores = {name: Told(self, name) for name in names}
        self.events: dict[str, list[Event]] = {name: [] for name in names}
        self.leads = {name: self._lead(name, at) for at, name in enumerate(names)}

    def _lead(self, name: str, at: int) -> LeaderElector:
        clocks = Clocks(monotonic=lambda: self.now + 1000.0 * at, wall=lambda: 0.0)
        return LeaderElector(
            self.stores[name], name, self.events[name].append, lambda: None, clocks=clocks, timings=TIMINGS
        )

    def writers(self) -> list[str]:
        return [name for at, (name, lead) in enumerate(self.leads.items()) if lead.may_write(self.now + 1000.0 * at)]

    def step(self, name: str) -> None:
        """One turn of a candidate, which may be under way in a request already."""
        if name in self.busy:
            return
        self.busy.add(name)
        self.leads[name].step()
        self.busy.remove(name)
        assert len(self.writers()) <= 1

    def swap(self, claimed: Claim) -> Lease:
        held = self.lease.version if self.lease else None
        if held != (claimed.before.version if claimed.before else None):
            raise Conflict("another")
        self.versions += 1
        if claimed.wanted.holder and (self.lease is None or claimed.wanted.holder != self.lease.holder):
            self.takes.append(claimed.wanted.holder)
        self.lease = replace(claimed.wanted, version=str(self.versions))
        return self.lease


class Told:
    """A ``Store`` whose watch may be behind, and whose requests end as a test decides."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._seen: Lease | None = None
        self.ended = False

    def start(self, wake: Callable[[], None]) -> None: ...

    def stop(self) -> None:
        self.ended = True

    def wait(self, seconds: float) -> bool:
        return True

    def date(self) -> float | None:
        return self._world.date

    def read(self) -> Lease | None:
        if self._world.sees():
            self._seen = self._world.lease
        return self._seen

    def put(self, claimed: Claim, until: float) -> Lease:
        world, fate = self._world, self._world.fate()
        world.between()
        if fate == "refused":
            raise Rejected("403")
        if fate == "never-arrives":
            raise Unavailable("lost")
        try:
            after = world.swap(claimed)
        except Conflict:
            self._seen = world.lease
            raise
        world.between()
        if fate == "lost":
            raise Unavailable("lost")
        self._seen = after
        return after


NAMES = ("a", "b", "c")


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.data(), count=st.sampled_from([2, 3]), turns=st.integers(1, 40))
def test_never_two_at_once(data: st.DataObject, count: int, turns: int) -> None:
    """Whatever is paused, lost, late or refused: no two may write at the same instant, where clocks run alike."""
    world = World(*NAMES[:count])
    someone = st.sampled_from(NAMES[:count])

    def between() -> None:
        """Inside a request, time passes and the others go on."""
        for pause, name in data.draw(st.lists(st.tuples(PAUSES, someone), max_size=2)):
            world.now += pause
            world.step(name)
        world.now += data.draw(PAUSES)

    world.between, world.fate = between, lambda: data.draw(FATES)
    world.sees = lambda: data.draw(st.sampled_from([True, True, True, False]))
    for _ in range(turns):
        world.now += data.draw(PAUSES)
        world.step(data.draw(someone))
    transitions = world.lease.transitions if world.lease else 0
    assert transitions == max(0, len(world.takes) - 1)


def told(world: World, name: str) -> list[Event]:
    return world.events[name]


def test_a_leader_that_slept_writes_nothing() -> None:
    """Stopped beyond its lease it may not write when it goes on, before it has heard of anything."""
    world = World("a", "b")
    world.step("a")
    world.step("b")
    world.now += 30
    assert world.writers() == []
    world.step("b")
    assert world.writers() == ["b"]
    world.step("a")
    assert world.writers() == ["b"]
    assert told(world, "a") == [LeaderChanged(True, "a"), LeaderChanged(False, "b", led=True)]
    assert told(world, "b") == [LeaderChanged(False, "a"), LeaderChanged(True, "b")]
    assert world.lease is not None
    assert world.lease.transitions == 1


@pytest.mark.parametrize(("fate", "refused"), [("never-arrives", False), ("refused", True)])
def test_a_failure_is_reported_once_and_tried_again(fate: str, *, refused: bool) -> None:
    """A leader that cannot renew reports why, is a standby at its deadline, and leads again once it can."""
    world = World("a")
    world.step("a")
    world.fate = lambda: fate
    for _ in range(6):
        world.now += 2
        world.step("a")
    assert world.writers() == []
    world.fate = lambda: "stored"
    world.now += 2
    world.step("a")
    assert world.writers() == ["a"]
    kinds = [event for event in told(world, "a") if isinstance(event, LeaseFailed)]
    assert [event.refused for event in kinds] == [refused]
    assert [event.leading for event in told(world, "a") if isinstance(event, LeaderChanged)] == [True, False, True]


@pytest.mark.parametrize("give_back", [True, False])
def test_the_thread_leads_and_gives_back(*, give_back: bool) -> None:
    """A daemon that ends lets the next one begin at once, save while a write of it may be under way."""
    world, led = World("a"), threading.Event()
    lead = LeaderElector(world.stores["a"], "a", lambda _event: None, led.set, clocks=Clocks(), timings=TIMINGS)
    lead.start()
    assert led.wait(60)
    assert lead.may_write(Clocks().monotonic())
    lead.stop(5, give_back=give_back)
    assert world.stores["a"].ended
    wait_until(lambda: not lead._thread.is_alive(), 5, "the thread to end")
    assert world.lease is not None
    assert world.lease.holder == ("" if give_back else "a")
    assert lead.may_write(Clocks().monotonic()) is not give_back


def test_without_election_it_always_writes() -> None:
    assert NoElection().may_write(1e12)
