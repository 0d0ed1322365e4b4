"""Full logins beside held sessions, many logins at once, and connections to servers that stand still."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ground.asking import target_of
from ground.crowd import ADDRESS, Crowd
from ground.puppet import PONG, puppet, puppets
from ground.turns import SECONDS, of, turns
from ground.waiting import wait_until
from mooring.engine.gate import LOGINS
from mooring.engine.visit import PARKED_SECONDS
from mooring.reasons import Reason

OK, TIMEOUT, SATURATED, AUTH = Reason.OK, Reason.TIMEOUT, Reason.SATURATED, Reason.AUTH


def test_a_full_login_is_made_beside_the_session_and_takes_its_place() -> None:
    """Once an interval; the turn itself is answered over the session, and the old session ends."""
    with puppet() as server, turns(target := of(server), login=0.1) as engine:
        engine.turn(target)
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            assert [report.observation.reason for report in engine.turn(target)] == [OK]
            time.sleep(0.01)
        engine.settle()
        assert 3 <= server.logins <= 8
        wait_until(lambda: server.sessions <= 1, SECONDS, "one session")


def test_new_credentials_are_tried_at_the_next_turn(tmp_path: Path) -> None:
    """Where the file that a login reads has changed; no other target logs in for that."""
    secret = tmp_path / "password"
    secret.write_text("not-a-real-one")
    with puppets(2, "127.0.3.{}") as servers:
        locked, plain = of(servers[0], passwordFile=str(secret)), of(servers[1])
        with turns(locked, plain) as engine:
            engine.turn(locked, plain)
            engine.turn(locked, plain)
            assert [server.logins for server in servers] == [1, 1]
            servers[0].auth = b"-WRONGPASS invalid username-password pair\r\n"
            engine.engine.renew(frozenset({str(secret)}))
            engine.settle()
            assert servers[0].logins == 1
            engine.turn(locked, plain)
            wait_until(lambda: engine.turn(locked)[0].observation.reason is AUTH, SECONDS, "the login's word")
            assert servers[1].logins == 1
            servers[0].auth = b"+OK\r\n"
            engine.engine.renew(frozenset({str(secret)}))
            wait_until(lambda: engine.turn(locked)[0].observation.reason is OK, SECONDS, "the login's word")


def test_credentials_that_change_under_a_login_are_tried_again(tmp_path: Path) -> None:
    """The login under way may have read the old file."""
    secret = tmp_path / "password"
    secret.write_text("not-a-real-one")
    with puppet() as server:
        target = of(server, timeout=SECONDS, passwordFile=str(secret))
        server.auth = b"+OK\r\n"
        with turns(target) as engine:
            server.awake.clear()
            engine.engine.ask([target])
            wait_until(lambda: server.connections == 1, SECONDS, "the connection")
            engine.engine.renew(frozenset({str(secret)}))
            engine.settle()
            server.awake.set()
            engine.next(target, 0)
            engine.turn(target)
            wait_until(lambda: server.logins == 2, SECONDS, "one more login")
            engine.turn(target)
            engine.quiet(0.1)
            assert server.logins == 2


FAILING = [
    (b"-ERR max number of clients reached\r\n", SATURATED, SATURATED, True),
    (b"-DENIED Redis is running in protected mode\r\n", AUTH, AUTH, False),
    (b"-BUSY a script runs\r\n", OK, Reason.OFFLINE, False),
]


@pytest.mark.parametrize(("word", "soon", "later", "held"), FAILING, ids=["full house", "our fault", "its failure"])
def test_what_a_full_login_finds_beside_a_session_that_answers(
    word: bytes, soon: Reason, later: Reason, *, held: bool
) -> None:
    """A full house and our own fault are told at once, a failure after two intervals; and all ends with a login."""
    with puppet() as server, turns(target := of(server), login=1.0) as engine:
        engine.turn(target)
        server.welcome = word
        engine.know(target, login=0.3)
        engine.engine._seats[target].login_at = 0.0  # the login is due now, and not after a minute
        engine.turn(target)
        engine.quiet(0.1)
        (report,) = engine.turn(target)
        assert report.observation.reason is soon
        wait_until(lambda: engine.turn(target)[0].observation.reason is later, SECONDS, "two intervals", every=0.05)
        assert engine.turn(target)[0].observation.held is held
        assert server.sessions >= 1
        server.welcome = PONG
        wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "a full login", every=0.05)


def test_a_silent_listener_under_a_session_that_answers_is_found() -> None:
    """Old flows live and new ones do not: after two intervals that is the host's failure."""
    with puppet() as server, turns(target := of(server, timeout=0.15), login=0.3) as engine:
        engine.turn(target)
        server.welcome = b""
        wait_until(lambda: engine.turn(target)[0].observation.reason is TIMEOUT, SECONDS, "the failure", every=0.05)
        assert server.connections > 1
        server.welcome = PONG
        wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "a full login", every=0.05)


def test_hundreds_at_once_are_let_in_by_fifty() -> None:
    """A thousand lost sessions must not be a thousand logins at once; all are done soon all the same."""
    with Crowd(answering=300) as crowd:
        targets = [target_of("redis", ADDRESS, port, timeout=SECONDS) for port in crowd.ports["answering"]]
        with turns(*targets) as engine:
            gate = engine.engine._visits._gate
            fewest = [LOGINS]
            engine.engine.ask(targets)
            while len(engine.reports) < len(targets):
                fewest.append(gate._free)
                time.sleep(0.001)
            assert min(fewest) >= 0
            engine.settle()
            assert gate._free == LOGINS
            assert {report.observation.reason for report in engine.reports} == {OK}
            assert sum(thread.name == "login" for thread in threading.enumerate()) <= 2 * LOGINS


def test_silent_hosts_give_their_places_back() -> None:
    """A hundred hosts that say nothing keep no other host waiting for their deadline."""
    with Crowd(answering=20, silent=60, deaf=40) as crowd:
        silent, sound = (
            [target_of("redis", ADDRESS, port, timeout=1.5) for kind in kinds for port in crowd.ports[kind]]
            for kinds in (("silent", "deaf"), ("answering",))
        )
        with turns(*silent, *sound) as engine:
            begun = time.monotonic()
            engine.engine.ask(silent)
            engine.engine.ask(sound)
            last = max(engine.next(target, 0).ended for target in sound)
            assert last - begun < 1.5
            assert {engine.next(target, 0).observation.reason for target in silent} == {TIMEOUT}


def test_one_connection_waits_for_a_silent_server_over_several_turns() -> None:
    """A new one for each turn would be so many broken logins in the server's books."""
    with puppet() as server, turns(target := of(server, timeout=0.1)) as engine:
        server.awake.clear()
        for _ in range(4):
            assert [report.observation.reason for report in engine.turn(target)] == [TIMEOUT]
        assert server.connections == 1
        server.awake.set()
        assert [report.observation.reason for report in engine.turn(target)] == [OK]
        assert server.connections == 1


def test_a_waiting_connection_that_has_ended_is_made_anew() -> None:
    """That it ended says nothing of now."""
    with puppet() as server, turns(target := of(server, timeout=0.1)) as engine:
        server.awake.clear()
        engine.turn(target)
        server.hang_up()
        server.awake.set()
        engine.quiet(0.05)
        assert [report.observation.reason for report in engine.turn(target)] == [OK]
        assert server.connections == 2


def test_a_waiting_connection_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that lost the connection without a word must not hide a host that is back."""
    assert PARKED_SECONDS == 5.0
    monkeypatch.setattr("mooring.engine.visit.PARKED_SECONDS", 0.3)
    with puppet() as server, turns(target := of(server, timeout=0.2)) as engine:
        server.awake.clear()
        for _ in range(3):
            assert [report.observation.reason for report in engine.turn(target)] == [TIMEOUT]
        wait_until(lambda: server.connections == 2, SECONDS, "a second connection")


def test_a_waiting_connection_is_used_up_when_another_target_has_logged_in() -> None:
    """Two targets share a login: the connection of the one that did not log in first is not left to the server."""
    with puppet() as server:
        plain, switch = of(server, timeout=0.1), of(server, timeout=0.1, key="maintenance")
        with turns(plain, switch) as engine:
            server.awake.clear()
            engine.turn(plain, switch)
            server.awake.set()
            assert [report.observation.reason for report in engine.turn(plain)] == [OK]
            wait_until(lambda: engine.turn(switch)[0].observation.reason is OK, SECONDS, "its own login", every=0.05)
            wait_until(lambda: server.sessions == 1, SECONDS, "one session")
            assert server.connections == 2


def test_a_question_that_finds_its_session_lost_costs_one_login_and_not_two() -> None:
    """The fresh probe is a full login already, also where one was due."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        server.say(PONG)
        engine.quiet(0.05)
        engine.engine._seats[target].login_at = 0.0
        assert [report.observation.reason for report in engine.turn(target)] == [OK]
        engine.quiet(0.1)
        assert server.logins == 2
