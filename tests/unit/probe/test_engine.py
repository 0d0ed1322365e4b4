"""Turns of targets, over held sessions and by fresh connections, against servers that follow a script."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from support.engine_harness import SECONDS, Turns, of, turns
from support.fake_redis import PONG, Puppet, puppet, puppets
from support.probe_once import target_of

OK, TIMEOUT, REFUSED = Reason.OK, Reason.TIMEOUT, Reason.REFUSED


def test_the_first_turn_logs_in_and_all_others_ask_over_the_session() -> None:
    """One login, one connection, and one report for each turn, however many there are."""
    with puppet() as server, turns(target := of(server)) as engine:
        for _ in range(20):
            assert [report.observation.reason for report in engine.turn(target)] == [OK]
        assert (server.connections, server.logins, server.questions) == (1, 1, 19)
        assert len(engine.reports) == 20
        assert engine.overruns == []


def test_a_slot_of_many_targets_is_one_call() -> None:
    """Targets that are asked together each have their own answer."""
    with puppets(8) as servers, turns(*map(of, servers)) as engine:
        for _ in range(3):
            asked = engine.turn(*map(of, servers))
            assert [report.target for report in asked] == list(map(of, servers))
            assert {report.observation.reason for report in asked} == {OK}


def test_a_report_says_when_it_was_asked_and_answered() -> None:
    """Beginning and end belong to this very question."""
    with puppet() as server, turns(target := of(server)) as engine:
        for _ in range(2):
            before = time.monotonic()
            (report,) = engine.turn(target)
            assert before <= report.started < report.ended <= time.monotonic()
            assert (report.witness, report.edge) == (False, False)


def test_an_answer_that_is_late_but_in_time_counts() -> None:
    """Long after the first look at the socket, and still before the deadline."""
    with puppet() as server, turns(target := of(server, timeout=SECONDS)) as engine:
        engine.turn(target)
        server.awake.clear()
        engine.engine.ask([target])
        assert engine.quiet(0.1) == []
        server.awake.set()
        report = engine.next(target, 1)
        assert report.observation.reason is OK
        assert report.ended - report.started >= 0.05
        assert server.connections == 1
        assert [later.observation.reason for later in engine.turn(target)] == [OK]


def test_silence_closes_the_session_and_the_next_turn_is_a_fresh_connection() -> None:
    """The answer of a server after its deadline answers no later question."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        server.awake.clear()
        assert engine.silent_turn(target).observation.reason is TIMEOUT
        assert "waiting for the server" in engine.silent_turn(target).observation.message
        server.awake.set()
        assert [later.observation.reason for later in engine.turn(target)] == [OK]
        wait_until(lambda: server.sessions == 1, SECONDS, "the session that stands")


def test_silence_is_reported_at_the_deadline_and_not_before() -> None:
    """Also where the connection has waited for the server before."""
    with puppet() as server, turns(target := of(server, timeout=0.5)) as engine:
        server.awake.clear()
        for _ in range(2):
            (report,) = engine.turn(target)
            assert report.observation.reason is TIMEOUT
            assert report.ended - report.started >= 0.5


def test_a_turn_that_comes_early_follows_and_only_the_one_after_it_is_left_out() -> None:
    """The second turn is asked as soon as the first has its answer; the third is reported as skipped, once."""
    with puppet() as server, turns(target := of(server, timeout=SECONDS)) as engine:
        engine.turn(target)
        server.awake.clear()
        for _ in range(3):
            engine.engine.ask([target])
        engine.settle()
        assert engine.overruns == [target]
        server.awake.set()
        assert [engine.next(target, number).observation.reason for number in (1, 2)] == [OK, OK]
        assert engine.quiet(0.1) == []
        assert server.questions == 2


def test_an_answer_to_one_question_is_not_taken_for_the_next_ones() -> None:
    """Two answers to one question prove nothing of a question that was asked after them."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        server.pong = PONG * 2
        server.awake.clear()
        engine.engine.ask([target])
        engine.engine.ask([target])
        engine.settle()
        server.welcome = b""
        server.awake.set()
        assert engine.next(target, 1).observation.reason is OK
        wait_until(lambda: server.connections == 2, SECONDS, "a fresh connection")
        engine.expire(target)
        assert engine.next(target, 2).observation.reason is TIMEOUT


def test_what_nobody_asked_for_is_no_answer() -> None:
    """Words that came before the question end the session; the host is asked by a fresh one, and answers for itself."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        server.say(PONG)
        engine.unread(target)
        server.awake.clear()
        assert engine.silent_turn(target).observation.reason is TIMEOUT
        server.awake.set()
        assert [report.observation.reason for report in engine.turn(target)] == [OK]


def test_a_reply_that_breaks_the_protocol_is_a_failure_and_ends_the_session() -> None:
    """The next turn starts from a clean connection."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        server.pong = b"+PANG\r\n"
        assert [report.observation.reason for report in engine.turn(target)] == [Reason.PROTOCOL]
        server.pong = PONG
        assert [report.observation.reason for report in engine.turn(target)] == [OK]
        assert server.connections == 2


def test_the_hosts_own_word_over_the_session_is_reported_and_the_session_stays() -> None:
    """An error reply is an answer."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        server.pong = b"-LOADING dataset\r\n"
        (report,) = engine.turn(target)
        assert (report.observation.reason, report.observation.message) == (Reason.LOADING, "LOADING dataset")
        server.pong = PONG
        assert [report.observation.reason for report in engine.turn(target)] == [OK]
        assert server.connections == 1


def test_a_witness_is_asked_at_rest_and_says_so() -> None:
    """A probe under way serves as the witness; a turn that comes meanwhile takes the witness for itself."""
    with puppet() as server, turns(target := of(server, timeout=SECONDS)) as engine:
        engine.turn(target)
        engine.engine.ask_witness(target)
        assert engine.next(target, 1).witness
        server.awake.clear()
        engine.engine.ask([target])
        engine.engine.ask_witness(target)
        server.awake.set()
        assert not engine.next(target, 2).witness
        server.awake.clear()
        engine.engine.ask_witness(target)
        engine.engine.ask([target])
        engine.settle()
        server.awake.set()
        assert not engine.next(target, 3).witness
        assert engine.quiet(0.05) == []


def test_services_with_the_same_login_share_a_session() -> None:
    """Questions of both go over it one behind the other, and each gets its own answer."""
    with puppet() as server:
        plain, switch = of(server), of(server, key="maintenance")
        with turns(plain, switch) as engine:
            engine.turn(plain, switch)
            wait_until(lambda: server.logins == 2, SECONDS, "a full login of each")
            wait_until(lambda: server.sessions == 1, SECONDS, "one session")
            for state in (b":1\r\n", b":0\r\n") * 3:
                server.exists = state
                one, other = engine.turn(plain, switch)
                assert (one.observation.answer, other.observation.answer) == (None, state[1:2].decode())
            assert server.sessions == 1


@contextlib.contextmanager
def sharing(server: Puppet, *targets: Target) -> Iterator[Turns]:
    """An engine that has logged in for all these targets, and holds one session for them."""
    with turns(*targets) as engine:
        engine.turn(*targets)
        wait_until(lambda: server.logins == len(targets), SECONDS, "a full login of each")
        wait_until(lambda: server.sessions == 1, SECONDS, "one session")
        yield engine


def test_one_shared_question_that_is_late_costs_the_other_nothing() -> None:
    """The one with the short deadline times out; the other has its answer when the server speaks again."""
    with puppet() as server:
        short, long = of(server), of(server, timeout=60 * SECONDS)
        with sharing(server, short, long) as engine:
            server.awake.clear()
            engine.engine.ask([short, long])
            engine.expire(short)
            assert engine.next(short, 1).observation.reason is TIMEOUT
            server.awake.set()
            assert engine.next(long, 1).observation.reason is OK


def test_a_shared_question_is_asked_anew_over_the_session_that_replaces_a_silent_one() -> None:
    """A login beside the silent session succeeds: the target with the longer deadline has its answer there."""
    with puppet() as server:
        short, long = of(server), of(server, timeout=60 * SECONDS)
        with sharing(server, short, long) as engine:
            server.mute()
            engine.engine.ask([short, long])
            engine.expire(short)
            assert engine.next(short, 1).observation.reason is TIMEOUT
            engine.engine.ask([short])
            assert engine.next(long, 1).observation.reason is OK


def test_a_host_that_answers_logins_alone_is_a_timeout_at_the_longer_deadline_too() -> None:
    """However often a login replaces the silent session, a question that is asked anew keeps its first deadline."""
    with puppet() as server:
        short, long = of(server, timeout=2.0), of(server, timeout=8.0)
        with sharing(server, short, long) as engine:
            server.pong = b""
            engine.engine.ask([short, long])
            until = time.monotonic() + SECONDS
            while len(engine.of(long)) == 1 and time.monotonic() < until:
                engine.engine.ask([short])
                time.sleep(0.05)
            assert engine.next(long, 1).observation.reason is TIMEOUT
            assert engine.reasons(short).count(OK) > 1


def test_a_tcp_target_is_connected_to_each_time() -> None:
    """There is no session to hold: it only proves that something listens."""
    with puppet() as server:
        target = target_of("tcp", server.address, server.port)
        with turns(target) as engine:
            assert [report.observation.reason for _ in range(3) for report in engine.turn(target)] == [OK] * 3
            wait_until(lambda: server.connections == 3, SECONDS, "three connections")
            wait_until(lambda: server.sessions == 0, SECONDS, "all closed")
            server.die()
            assert [report.observation.reason for report in engine.turn(target)] == [REFUSED]


def test_unknown_targets_are_asked_nothing() -> None:
    """A slot that fires for a target that was removed a moment ago harms nobody."""
    with puppet() as server, turns() as engine:
        engine.engine.ask([of(server)])
        engine.engine.ask_witness(of(server))
        assert engine.quiet(0.1) == []
        assert server.connections == 0
