"""Full logins beside held sessions, many logins at once, and connections to servers that stand still."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.probe.account import PATIENCE_SECONDS
from mooring.probe.admission import LOGINS
from mooring.probe.login_pace import SPREAD
from support.engine_harness import SECONDS, of, turns
from support.fake_redis import PONG, puppet, puppets
from support.many_hosts import ADDRESS, Crowd
from support.probe_once import target_of

OK, TIMEOUT, SATURATED = Reason.OK, Reason.TIMEOUT, Reason.SATURATED


def test_a_full_login_is_made_beside_the_session_and_takes_its_place() -> None:
    """Once an interval; the turn itself is answered over the session, and the old session ends."""
    with puppet() as server, turns(target := of(server), login=0.1) as engine:
        began = time.monotonic()
        engine.turn(target)

        def logged_in_anew() -> bool:
            assert [report.observation.reason for report in engine.turn(target)] == [OK]
            return server.logins > 3

        wait_until(logged_in_anew, SECONDS, "three full logins more")
        engine.settle()
        assert server.logins <= 2 + (time.monotonic() - began) / (0.1 * SPREAD[0])
        wait_until(lambda: server.sessions <= 1, SECONDS, "one session")


def test_new_credentials_are_tried_at_the_next_turn(tmp_path: Path) -> None:
    """Where the file that a login reads has changed; no other target logs in for that."""
    secret = tmp_path / "password"
    secret.write_text("not-a-real-one")
    with puppets(2, "127.0.3.{}") as servers:
        locked, plain = of(servers[0], passwordFile=str(secret)), of(servers[1])
        with turns(locked, plain) as engine:

            def said() -> str:
                (report,) = engine.turn(locked)
                assert report.observation.reason is OK, "the held session is judged in full"
                return report.observation.message

            engine.turn(locked, plain)
            engine.turn(locked, plain)
            assert [server.logins for server in servers] == [1, 1]
            servers[0].auth = b"-WRONGPASS invalid username-password pair\r\n"
            engine.engine.renew(frozenset({str(secret)}))
            engine.settle()
            assert servers[0].logins == 1
            engine.turn(locked, plain)
            wait_until(lambda: "login is refused" in said(), SECONDS, "the login's word")
            assert servers[1].logins == 1
            servers[0].auth = b"+OK\r\n"
            engine.engine.renew(frozenset({str(secret)}))
            wait_until(lambda: not said(), SECONDS, "the login's word")


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
    (b"-DENIED Redis is running in protected mode\r\n", OK, OK, False),
    (b"-BUSY a script runs\r\n", OK, Reason.OFFLINE, False),
]


@pytest.mark.parametrize(("word", "soon", "later", "held"), FAILING, ids=["saturated", "our fault", "its failure"])
def test_what_a_full_login_finds_beside_a_session_that_answers(
    word: bytes, soon: Reason, later: Reason, *, held: bool
) -> None:
    """Saturation is reported at once, a failure after two intervals, a refusal beside the answer; a login ends all."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        probe = engine.engine._probes[target]

        def login() -> Observation:
            assert probe.login is not None
            return probe.login.observation

        server.welcome = word
        probe.login_at = 0.0  # the login is due now, and not after a minute
        engine.turn(target)
        wait_until(lambda: login().reason is not OK, SECONDS, "the end of the login")
        (report,) = engine.turn(target)
        assert report.observation.reason is soon
        assert probe.login is not None
        probe.login = replace(probe.login, completed_at=-math.inf)  # as two intervals later
        (report,) = engine.turn(target)
        assert (report.observation.reason, report.observation.held) == (later, held)
        assert server.sessions >= 1
        server.welcome = PONG
        engine.know(target, login=0.3)
        probe.login_at = 0.0
        wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "a full login", every=0.05)


def test_a_silent_listener_under_a_session_that_answers_is_found() -> None:
    """Old flows live and new ones do not: after two intervals that is the host's failure."""
    with puppet() as server, turns(target := of(server, timeout=1.0), login=0.3, patience=1.0) as engine:
        wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "a session", every=0.05)
        server.welcome = b""

        def fails() -> bool:
            """By a new flow: a busy machine may hold up an answer over the session, too."""
            return engine.turn(target)[0].observation.reason is TIMEOUT and server.connections > 1

        wait_until(fails, SECONDS, "the failure", every=0.05)
        server.welcome = PONG
        wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "a full login", every=0.05)


def test_hundreds_at_once_are_let_in_by_fifty() -> None:
    """A thousand lost sessions must not be a thousand logins at once; all are done soon all the same."""
    others = set(threading.enumerate())
    with Crowd(answering=300) as crowd:
        targets = [target_of("redis", ADDRESS, port, timeout=SECONDS) for port in crowd.ports["answering"]]
        with turns(*targets) as engine:
            gate = engine.engine._fresh_probes._limiter
            fewest = [LOGINS]
            engine.engine.ask(targets)
            while len(engine.reports) < len(targets):
                fewest.append(gate._free)
                time.sleep(0.001)
            assert min(fewest) >= 0
            engine.settle()
            assert gate._free == LOGINS
            assert {report.observation.reason for report in engine.reports} == {OK}
            assert sum(thread.name == "login" for thread in set(threading.enumerate()) - others) <= 2 * LOGINS


def test_silent_hosts_give_their_places_back() -> None:
    """A hundred silent hosts do not delay another host until their deadline."""
    with Crowd(answering=20, silent=60, deaf=40) as crowd:
        silent, sound = (
            [target_of("redis", ADDRESS, port, timeout=2 * SECONDS) for kind in kinds for port in crowd.ports[kind]]
            for kinds in (("silent", "deaf"), ("answering",))
        )
        with turns(*silent, *sound) as engine:
            engine.engine.ask(silent)
            engine.engine.ask(sound)
            assert {engine.next(target, 0).observation.reason for target in sound} == {OK}
            assert not any(engine.of(target) for target in silent)
            engine.skip(2 * SECONDS, connects=True)
            assert {engine.next(target, 0).observation.reason for target in silent} == {TIMEOUT}


def test_one_connection_waits_for_a_silent_server_over_several_turns() -> None:
    """A new one for each turn would be so many broken logins in the server's books."""
    with puppet() as server, turns(target := of(server)) as engine:
        server.awake.clear()
        for _ in range(2):
            assert engine.silent_turn(target).observation.reason is TIMEOUT
        wait_until(lambda: server.connections == 1, SECONDS, "the server to take the connection")
        server.awake.set()
        assert [report.observation.reason for report in engine.turn(target)] == [OK]
        assert server.connections == 1


def test_a_waiting_connection_that_has_ended_is_made_anew() -> None:
    """Its end is no evidence about the host now."""
    with puppet() as server, turns(target := of(server)) as engine:
        server.awake.clear()
        engine.silent_turn(target)
        wait_until(lambda: server.sessions == 1, SECONDS, "the connection")
        server.hang_up()
        server.awake.set()
        assert [report.observation.reason for report in engine.turn(target)] == [OK]
        assert server.connections == 2


def test_a_waiting_connection_is_left_after_ten_minutes() -> None:
    """A path that lost the connection without a word, and still acknowledges it, must not hide a host that is back."""
    assert PATIENCE_SECONDS == 600.0
    with puppet() as server, turns(target := of(server), patience=0.3) as engine:
        server.awake.clear()

        def made_anew() -> bool:
            assert engine.silent_turn(target).observation.reason is TIMEOUT
            return server.connections == 2

        wait_until(made_anew, SECONDS, "a second connection")


def test_a_waiting_connection_is_used_up_when_another_target_has_logged_in() -> None:
    """Two targets share a login: the connection of the one that did not log in first is not left to the server."""
    with puppet() as server:
        plain, switch = of(server), of(server, key="maintenance")
        with turns(plain, switch) as engine:
            server.awake.clear()
            engine.engine.ask([plain, switch])
            engine.expire(plain, switch)
            server.awake.set()
            assert [report.observation.reason for report in engine.turn(plain)] == [OK]
            wait_until(lambda: engine.turn(switch)[0].observation.reason is OK, SECONDS, "its own login", every=0.05)
            wait_until(lambda: server.sessions == 1, SECONDS, "one session")
            assert server.connections <= 2  # one alone, where the turn of one had ended when that of the other began


def test_a_question_that_finds_its_session_lost_costs_one_login_and_not_two() -> None:
    """The fresh probe is a full login already, also where one was due."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        server.say(PONG)
        engine.unread(target)
        engine.engine._probes[target].login_at = 0.0
        assert [report.observation.reason for report in engine.turn(target)] == [OK]
        engine.quiet(0.1)
        assert server.logins == 2


def test_a_reload_that_makes_logins_more_frequent_holds_at_once() -> None:
    """Who had just logged in at a slow pace does not wait that long once more."""
    with puppet() as server, turns(target := of(server), login=3600.0) as engine:
        engine.turn(target)
        probe = engine.engine._probes[target]
        before = probe.login_at
        engine.know(target, login=3500.0)
        engine.settle()
        assert probe.login_at == min(before, probe.login_at), "never later"
        engine.know(target, login=10.0)
        engine.settle()
        assert probe.login_at <= time.monotonic() + SPREAD[1] * 10.0
