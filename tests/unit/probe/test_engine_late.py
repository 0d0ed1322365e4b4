"""The engine itself is late: its thread was held up, as a machine without time does it. Here it is put to sleep."""

from __future__ import annotations

import math
import time

import pytest

from lab.waiting import wait_until
from mooring.judge.session import Login
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.redis.login import _Session
from mooring.protocols.transport.failure import OURS_SECONDS
from support.engine_harness import SECONDS, Turns, of, turns
from support.fake_redis import Puppet, puppet

TIMEOUT = 0.2


@pytest.fixture(autouse=True)
def _no_lateness() -> None:
    """Lateness is what these tests are about."""


def asked_of_a_sleeper(under: Turns, target: Target, server: Puppet) -> Reason:
    """The report on a target that is asked just before the engine stands still until long after the deadline.

    A server that is awake answers meanwhile.
    """
    number, answers = len(under.of(target)), len(server.answered)

    def ask() -> None:
        under.engine._ask((target,))
        if server.awake.is_set():
            wait_until(lambda: len(server.answered) > answers, SECONDS, "the answer", every=TIMEOUT)
        time.sleep(TIMEOUT + 2 * OURS_SECONDS)

    under.engine._loop.call(ask)
    return under.next(target, number).observation.reason


def test_an_answer_that_came_in_time_counts_however_late_it_is_read() -> None:
    """A host that answers is not made to pay for our being late."""
    with puppet() as server, turns(patient := of(server), target := of(server, timeout=TIMEOUT)) as under:
        under.turn(patient)
        assert asked_of_a_sleeper(under, target, server) is Reason.OK


def test_silence_that_was_not_looked_at_in_time_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long after the deadline Mooring cannot know what the host did: its own fault, which moves no verdict."""
    with puppet() as server, turns(patient := of(server), target := of(server, timeout=TIMEOUT)) as under:
        under.turn(patient)
        server.awake.clear()
        assert asked_of_a_sleeper(under, target, server) is Reason.LOCAL
        assert asked_of_a_sleeper(under, target, server) is Reason.LOCAL, "nor over a fresh connection"
        monkeypatch.setattr("mooring.protocols.transport.failure.OURS_SECONDS", SECONDS)
        (report,) = under.turn(target)
        assert report.observation.reason is Reason.TIMEOUT


def test_a_login_that_a_busy_machine_holds_up_costs_the_host_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the deadline its thread has nothing asked yet: the host owes no answer, and the next turn waits for none."""
    timeout = 2.0  # in which the server answers the knock on a busy machine, too
    waits, connect = [timeout + 2 * OURS_SECONDS], _Session.connect

    def held_up(session: _Session) -> None:
        if waits:
            time.sleep(waits.pop())
        connect(session)  # type: ignore[no-untyped-call]  # redis-py leaves it so

    monkeypatch.setattr(_Session, "connect", held_up)
    with puppet() as server, turns(target := of(server, timeout=timeout)) as under:
        assert under.turn(target)[0].observation.reason in (Reason.LOCAL, Reason.OK)
        wait_until(lambda: under.turn(target)[0].observation.reason is Reason.OK, SECONDS, "the next turn", every=0.1)


def test_after_a_silence_a_full_login_follows_the_first_answer() -> None:
    """The session lives; whether the host lets anybody in is seen at once, and not an interval later."""
    with puppet() as server, turns(target := of(server), login=3600.0) as engine:
        engine.turn(target)
        server.awake.clear()
        assert engine.silent_turn(target).observation.reason is Reason.TIMEOUT
        assert server.logins == 1
        number = len(engine.of(target))
        server.awake.set()
        assert engine.next(target, number).observation.reason is Reason.OK, "asked anew, over the session"
        wait_until(lambda: server.logins == 2, SECONDS / 4, "a full login")


def test_a_login_that_fails_by_silence_is_not_made_at_each_turn() -> None:
    """As behind a firewall that lets old flows live: the session answers, so its retries keep their pace."""
    with puppet() as server, turns(target := of(server), login=3600.0) as engine:
        engine.turn(target)
        probe = engine.engine._probes[target]
        probe.login = Login(Observation(Reason.TIMEOUT, "connect"), completed_at=-math.inf)
        probe.login_at = due = math.inf
        for _ in range(3):
            assert engine.turn(target)[0].observation.reason is Reason.TIMEOUT
            assert (probe.login_at, server.logins) == (due, 1)
