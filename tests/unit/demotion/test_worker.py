"""The worker that ends the sessions on a demoted primary: which hosts it asks, and what it reports.

The host is a fake, because a test cannot say when a real one answers; real hosts are in the scenarios.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from lab.health_stores import place, store_of
from lab.values import KEY, PORTS, report, spec, stored
from lab.waiting import wait_until
from mooring.demotion.kill import EndedSessions
from mooring.demotion.rules import PATIENCE_SECONDS, SETTLE_SECONDS
from mooring.demotion.worker import DemotionWorker
from mooring.model.clocks import Clocks
from mooring.model.events import BlindChanged, Event, HostChanged, LeaderChanged, Published, SessionsKilled
from mooring.model.facts import Channel, Facts
from mooring.model.objects import EndpointsWrite, Subset
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import Requirement, Role, ServiceKey, ServiceSpec
from mooring.model.targets import Target
from mooring.protocols.exchange import Loan, Session, Unfinished

A, B = "10.20.0.11", "10.20.0.12"
SECONDS = 60.0
OTHER = ServiceKey("default", "other")
REPLICA = Facts(read_only="read_only=1", channels=(Channel("10.20.0.12:3306"),))
SESSION = object()
"""Nobody looks into it here."""
DUE = SETTLE_SECONDS + 0.1


def withdrawn(address: str = A, key: ServiceKey = KEY) -> Published:
    return Published(EndpointsWrite(key, stored(ready=(address,)), (Subset((), (address,), PORTS),)))


def listed(address: str, key: ServiceKey = KEY) -> ServiceSpec:
    one = replace(spec(address, key=key), kill_users=("app", "web"))
    return replace(one, check=replace(one.check, requirement=Requirement(Role.PRIMARY)))


class Stage:
    """A clock that the test moves, a health store of one primary, and a host."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.leads = True
        self.until = 0.0
        self.told: list[Event] = []
        self.asked: list[tuple[Target, object, tuple[str, ...]]] = []
        self.returned: list[tuple[object, object]] = []
        """What the worker gave back, and what has no answer yet."""
        self.ended = EndedSessions(7, "", SESSION)  # type: ignore[arg-type]  # nobody looks into it
        self.loan = Loan(SESSION)  # type: ignore[arg-type]  # as above
        self.waits: Callable[[Target], None] = lambda _target: None
        """What the worker meets while it waits for a session."""
        self.store = store_of(listed(A), of=stored(ready=(A,)))
        self.demote = DemotionWorker(
            self.store, self, self.told.append, clocks=Clocks(lambda: self.now, lambda: self.now), leadership=self
        )

    def may_write(self, _now: float) -> bool:
        return self.leads

    def checkout(self, target: Target, seconds: float) -> Loan:
        del seconds
        self.waits(target)
        return self.loan

    def checkin(self, target: Target, session: Session | None, unfinished: Unfinished | None = None) -> None:
        del target
        self.returned.append((session, unfinished))

    def end(self, target: Target, session: object, users: tuple[str, ...], until: float) -> EndedSessions:
        assert until > self.now
        self.asked.append((target, session, users))
        return self.ended

    def says(self, facts: Facts, address: str = A) -> HostChanged:
        """The host is probed; the change of verdict that comes of it."""
        (event,) = self.probed(facts, address)
        return event

    def probed(self, facts: Facts, address: str = A) -> list[HostChanged]:
        (target,) = (one for one in self.store.targets() if one.address == address)
        seen = replace(report(target, started=self.now), observation=Observation(Reason.OK, facts=facts))
        return [event for event in self.store.take([seen]).events if isinstance(event, HostChanged)]

    def demoted(self, address: str = A, key: ServiceKey = KEY) -> None:
        """The host says so, and a write takes it out."""
        self.demote.write(self.says(REPLICA, address))
        self.now += 0.1
        self.demote.write(withdrawn(address, key))

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.demote.step()
        assert self.demote.wait(SECONDS)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr("mooring.demotion.worker.end_sessions", stage.end)
    return stage


def test_sessions_of_the_named_users_are_ended_over_the_held_session(stage: Stage) -> None:
    """It ends the sessions once, two seconds after the write, and gives the lent session back."""
    stage.demoted()
    stage.later(SETTLE_SECONDS - 0.1)
    assert stage.asked == []
    for _ in range(3):
        stage.later(0.2)
    ((target, session, users),) = stage.asked
    assert (target.address, session, users) == (A, SESSION, ("app", "web"))
    assert stage.returned == [(SESSION, None)]
    (told,) = stage.told
    assert isinstance(told, SessionsKilled)
    assert (told.member.address, told.users, told.count, told.error) == (A, ("app", "web"), 7, "")


def test_an_error_is_reported(stage: Stage) -> None:
    """A session that broke is closed; the lender is told that it is free to make another."""
    stage.ended = EndedSessions(0, "closed the connection", None)
    stage.demoted()
    stage.later(DUE)
    assert [event.error for event in stage.told if isinstance(event, SessionsKilled)] == [stage.ended.error]
    assert stage.returned == [(None, None)]


def test_a_connection_without_an_answer_is_given_to_whoever_waits_for_its_end(stage: Stage) -> None:
    """Mooring opens no other there until it has ended."""
    stage.ended = EndedSessions(0, "no whole answer in time", None, SESSION)  # type: ignore[arg-type]  # as above
    stage.demoted()
    stage.later(DUE)
    assert stage.returned == [(None, SESSION)]


def test_without_a_session_none_is_ended(stage: Stage) -> None:
    """Why there is none is reported: a login that is refused, or one that hangs."""
    stage.loan = Loan(None, "no login: 1040: Too many connections")
    stage.demoted()
    stage.later(DUE)
    assert (stage.asked, stage.returned) == ([], [])
    (error,) = [event.error for event in stage.told if isinstance(event, SessionsKilled)]
    assert error == "no login: 1040: Too many connections; no session was ended"


def test_without_a_write_no_session_is_ended_and_that_is_reported(stage: Stage) -> None:
    """A late demotion is reported once, after half a minute."""
    stage.demote.write(stage.says(REPLICA))
    stage.later(29.9)
    assert stage.told == []
    stage.later(0.2)
    stage.later(60)
    (told,) = stage.told
    assert isinstance(told, SessionsKilled)
    assert (told.count, stage.asked) == (0, [])
    assert "no write that takes the host out was seen stored within 30 s" in told.error


def test_a_host_that_hangs_delays_no_other(stage: Stage) -> None:
    """Its own sessions wait; those on another demoted primary are ended meanwhile."""
    place(stage.store, listed(B, OTHER))
    stage.store.seed(OTHER, stored(ready=(B,)))
    hangs = threading.Event()

    def wait(target: Target) -> None:
        if target.address == A:
            hangs.wait(SECONDS)

    stage.waits = wait
    stage.demoted()
    stage.demoted(B, OTHER)
    stage.now += DUE
    stage.demote.step()
    try:
        wait_until(lambda: [target.address for target, *_ in stage.asked] == [B], SECONDS, "the sessions on the other")
    finally:
        hangs.set()
    wait_until(lambda: len(stage.told) == 2, SECONDS, "those on the first")


def test_on_one_host_one_after_the_other_is_ended(stage: Stage) -> None:
    """Two Services that list it need one session of Mooring there, not two."""
    place(stage.store, listed(A, OTHER))
    stage.store.seed(OTHER, stored(ready=(A,)))
    inside, most = list[int](), list[int]()

    def wait(_target: Target) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()

    stage.waits = wait
    for event in stage.probed(REPLICA):
        stage.demote.write(event)
    for key in (KEY, OTHER):
        stage.demote.write(withdrawn(A, key))
    stage.later(DUE)
    assert most == [1, 1]
    assert len(stage.asked) == 2


def _is_held_up(stage: Stage) -> None:
    stage.now += PATIENCE_SECONDS


def _loses_the_lease(stage: Stage) -> None:
    stage.leads = False


def _is_told_that_another_leads(stage: Stage) -> None:
    stage.demote.write(LeaderChanged(leading=False, holder="other", led=True))


def _leaves_the_file(stage: Stage) -> None:
    stage.store.drop(KEY)


def _is_the_primary_again(stage: Stage) -> None:
    stage.now += 0.5
    (target,) = stage.store.targets()
    stage.store.take([replace(report(target, started=stage.now), observation=Observation(Reason.OK, facts=Facts()))])


@pytest.mark.parametrize(
    "happens", [_loses_the_lease, _is_told_that_another_leads, _leaves_the_file, _is_the_primary_again]
)
def test_what_makes_it_lapse(stage: Stage, happens: object) -> None:
    """No session is ended, and nothing is reported."""
    stage.demoted()
    assert callable(happens)
    happens(stage)
    stage.later(DUE)
    stage.later(60)
    assert (stage.asked, stage.told) == ([], [])


@pytest.mark.parametrize("happens", [_loses_the_lease, _leaves_the_file, _is_the_primary_again])
def test_what_happens_while_a_session_is_waited_for_counts(stage: Stage, happens: Callable[[Stage], None]) -> None:
    """A host that hangs, or a busy machine, may take that long. The session is given back."""
    stage.demoted()
    stage.waits = lambda _target: happens(stage)
    stage.later(DUE)
    assert (stage.asked, stage.told, stage.returned) == ([], [], [(SESSION, None)])


def test_a_thread_that_is_held_up_for_long_ends_nothing(stage: Stage) -> None:
    """What Mooring knows of the host may be as old: it may be the primary again. It is reported."""
    stage.demoted()
    stage.waits = lambda _target: _is_held_up(stage)
    stage.later(DUE)
    (told,) = stage.told
    assert isinstance(told, SessionsKilled)
    assert (told.count, stage.asked, stage.returned) == (0, [], [(SESSION, None)])
    assert "too late" in told.error


def test_a_standby_ends_nothing(stage: Stage) -> None:
    """A standby ends no session, even if it leads a moment later: the former leader may have done it."""
    stage.leads = False
    stage.demoted()
    stage.leads = True
    stage.later(DUE)
    stage.later(60)
    assert (stage.asked, stage.told) == ([], [])


@pytest.fixture
def running(stage: Stage) -> Iterator[Stage]:
    stage.demote.start()
    yield stage
    stage.demote.stop(SECONDS)


def test_its_thread_wakes_when_something_is_due(running: Stage) -> None:
    """It takes other events, too; a demotion that is due wakes its thread."""
    running.demote.write(BlindChanged(blind=True, targets=1))
    running.demoted()
    running.now += DUE
    wait_until(lambda: running.told, SECONDS, "the sessions to be ended")
    assert "demote" in [thread.name for thread in threading.enumerate()]
