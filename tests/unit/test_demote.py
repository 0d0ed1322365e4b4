"""Ending sessions of a demoted primary: who is asked, what is told. The host is a fake that answers as it is told, for
a real one cannot be told when; real ones are in the scenarios.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ground.boards import board_of
from ground.values import KEY, PORTS, report, spec, stored
from ground.waiting import wait_until
from mooring.clocks import Clocks
from mooring.demote import Demote
from mooring.events import BlindChanged, Event, HostChanged, LeaderChanged, Published, SessionsKilled
from mooring.facts import Channel, Facts
from mooring.model import Change, Observation, Subset, Target
from mooring.protocols.exchange import Session
from mooring.protocols.kill import Ended
from mooring.reasons import Reason
from mooring.spec import Requirement, Role

A, B = "10.20.0.11", "10.20.0.12"
WITHDRAWN = Published(Change(KEY, stored(ready=(A,)), (Subset((), (A,), PORTS),)))
REPLICA = Facts(read_only="read_only=1", channels=(Channel("10.20.0.12:3306"),))
SESSION = object()
"""Nobody looks into it here."""


class Stage:
    """A clock that the test moves, a board of one primary, and a host."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.leads = True
        self.until = 0.0
        self.told: list[Event] = []
        self.asked: list[tuple[Target, object, tuple[str, ...]]] = []
        self.returned: list[object] = []
        self.ended = Ended(7, "", SESSION)  # type: ignore[arg-type]  # nobody looks into it
        self.session: object = SESSION
        listed = replace(spec(A), kill_users=("app", "web"))
        self.listed = replace(listed, check=replace(listed.check, requirement=Requirement(Role.PRIMARY)))
        self.board = board_of(self.listed, of=stored(ready=(A,)))
        self.demote = Demote(
            self.board, self, self.told.append, clocks=Clocks(lambda: self.now, lambda: self.now), lead=self
        )

    def may_write(self, _now: float) -> bool:
        return self.leads

    def borrow(self, _target: Target, _seconds: float) -> Session | None:
        return self.session  # type: ignore[return-value]  # nobody looks into it

    def give_back(self, _target: Target, session: Session) -> None:
        self.returned.append(session)

    def end(self, target: Target, session: object, users: tuple[str, ...]) -> Ended:
        self.asked.append((target, session, users))
        return self.ended

    def says(self, facts: Facts) -> HostChanged:
        """The host is probed; the change of verdict that comes of it."""
        (target,) = self.board.targets()
        seen = replace(report(target, started=self.now), observation=Observation(Reason.OK, facts=facts))
        (event,) = self.board.take([seen]).events
        assert isinstance(event, HostChanged)
        return event

    def demoted(self) -> None:
        """The host says so, and a write takes it out."""
        self.demote.write(self.says(REPLICA))
        self.now += 0.1
        self.demote.write(WITHDRAWN)

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.demote.step()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr("mooring.demote.end_sessions", stage.end)
    return stage


def test_sessions_of_the_named_users_are_ended_over_the_held_session(stage: Stage) -> None:
    """Once, a second after the write; the session is given back."""
    stage.demoted()
    stage.later(0.9)
    assert stage.asked == []
    for _ in range(3):
        stage.later(0.2)
    ((target, session, users),) = stage.asked
    assert (target.address, session, users) == (A, SESSION, ("app", "web"))
    assert stage.returned == [SESSION]
    (told,) = stage.told
    assert isinstance(told, SessionsKilled)
    assert (told.member.address, told.users, told.count, told.error) == (A, ("app", "web"), 7, "")


def test_what_hinders_it_is_told(stage: Stage) -> None:
    """And a session that broke is not given back."""
    stage.session, stage.ended = None, Ended(0, "no login: 1040: Too many connections", None)
    stage.demoted()
    stage.later(1.1)
    assert [event.error for event in stage.told if isinstance(event, SessionsKilled)] == [stage.ended.error]
    assert stage.returned == []


def test_without_a_write_nothing_is_ended_and_that_is_told(stage: Stage) -> None:
    """Half a minute later, once."""
    stage.demote.write(stage.says(REPLICA))
    stage.later(29.9)
    assert stage.told == []
    stage.later(0.2)
    stage.later(60)
    (told,) = stage.told
    assert isinstance(told, SessionsKilled)
    assert (told.count, stage.asked) == (0, [])
    assert "no write that takes the host out was seen stored within 30 s" in told.error


def _loses_the_lease(stage: Stage) -> None:
    stage.leads = False


def _is_told_that_another_leads(stage: Stage) -> None:
    stage.demote.write(LeaderChanged(leading=False, holder="other", led=True))


def _leaves_the_file(stage: Stage) -> None:
    stage.board.drop(KEY)


def _is_the_primary_again(stage: Stage) -> None:
    stage.now += 0.5
    (target,) = stage.board.targets()
    stage.board.take([replace(report(target, started=stage.now), observation=Observation(Reason.OK, facts=Facts()))])


@pytest.mark.parametrize(
    "happens", [_loses_the_lease, _is_told_that_another_leads, _leaves_the_file, _is_the_primary_again]
)
def test_what_makes_it_lapse(stage: Stage, happens: object) -> None:
    """Nothing is ended, and nothing told."""
    stage.demoted()
    assert callable(happens)
    happens(stage)
    stage.later(1.1)
    stage.later(60)
    assert (stage.asked, stage.told) == ([], [])


def test_a_standby_ends_nothing(stage: Stage) -> None:
    """Also where it comes to lead a moment later: the other may have done it."""
    stage.leads = False
    stage.demoted()
    stage.leads = True
    stage.later(1.1)
    stage.later(60)
    assert (stage.asked, stage.told) == ([], [])


@pytest.fixture
def running(stage: Stage) -> Iterator[Stage]:
    stage.demote.start()
    yield stage
    stage.demote.stop(10)


def test_its_thread_wakes_when_something_is_due(running: Stage) -> None:
    """Of what does not concern it, it hears nothing."""
    running.demote.write(BlindChanged(blind=True, targets=1))
    running.demoted()
    running.now += 1.1
    wait_until(lambda: running.told, 10, "the sessions to be ended")
    assert "demote" in [thread.name for thread in threading.enumerate()]
