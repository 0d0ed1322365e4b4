"""A held session that is lent to somebody, and given back."""

from __future__ import annotations

import math
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import Session, Unfinished
from mooring.protocols.transport.secret import Secret
from support.engine_harness import SECONDS, Turns, of, turns
from support.fake_redis import PONG, puppet
from support.held_session import ask, leave

LONG = 4 * SECONDS
"""Longer than a test waits."""


def _checkout(engine: Turns, target: Target, seconds: float = SECONDS) -> Session | None:
    return engine.engine.lending.checkout(target, seconds).session


def _reasons(engine: Turns, *targets: Target) -> list[Reason]:
    return [report.observation.reason for report in engine.turn(*targets)]


def test_whoever_borrows_the_session_speaks_over_it_and_gives_it_back() -> None:
    """No login is made for that, and the next question goes over the same session."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        session = _checkout(engine, target)
        assert session
        assert ask(session, target)
        engine.engine.lending.checkin(target, session)
        assert _reasons(engine, target) == [Reason.OK]
        assert (server.connections, server.questions) == (1, 2)


def test_what_is_asked_meanwhile_is_asked_by_a_fresh_connection() -> None:
    """That one is held from then on; the one that comes back is left."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        session = _checkout(engine, target)
        assert session
        assert _reasons(engine, target) == [Reason.OK]
        assert server.connections == 2
        engine.engine.lending.checkin(target, session)
        wait_until(lambda: server.sessions == 1, SECONDS, "one session to be left")
        assert _reasons(engine, target) == [Reason.OK]
        assert server.connections == 2


def test_a_question_under_way_has_its_answer_first() -> None:
    """The borrower waits for it, and finds nothing unread."""
    with puppet() as server, turns(target := of(server, timeout=SECONDS)) as engine:
        engine.turn(target)
        server.awake.clear()
        engine.engine.ask([target])
        with ThreadPoolExecutor() as threads:
            handed = threads.submit(_checkout, engine, target)
            assert engine.quiet(0.05) == []
            assert not handed.done()
            server.awake.set()
            session = handed.result(SECONDS)
        assert engine.next(target, 1).observation.reason is Reason.OK
        assert session
        assert ask(session, target)
        leave(session)


def test_there_is_none_to_lend() -> None:
    """Of a target that is not known, one whose server stands still, or one that is lent already: that is told.

    A session that broke the rules is not lent: the borrower gets a new one.
    """
    with puppet() as server, puppet() as other, turns(target := of(server), of(other)) as engine:
        assert _checkout(engine, of(other, key="unknown")) is None
        engine.turn(target, of(other))
        lent = _checkout(engine, of(other))
        assert lent
        assert _checkout(engine, of(other), 0.2) is None
        leave(lent)
        server.awake.clear()
        engine.engine.ask([target])
        assert _checkout(engine, target, 0.2) is None
        server.awake.set()
        assert engine.next(target, 1).observation.reason is Reason.OK
        server.say(PONG)
        engine.unread(target)
        session = _checkout(engine, target)
        assert session
        assert ask(session, target)
        leave(session)


def test_whoever_gives_up_waiting_leaves_the_session_where_it_is() -> None:
    """It goes on being asked over, and its end is still noticed."""
    with puppet() as server, turns(target := of(server, timeout=SECONDS)) as engine:
        engine.turn(target)
        server.awake.clear()
        engine.engine.ask([target])
        assert _checkout(engine, target, 0.05) is None
        server.awake.set()
        assert engine.next(target, 1).observation.reason is Reason.OK
        assert _reasons(engine, target) == [Reason.OK]
        assert server.connections == 1
        server.hang_up()
        assert engine.next(target, 3).observation.reason is Reason.OK
        assert server.connections == 2


def test_a_borrowed_session_of_a_target_that_left_is_left_politely() -> None:
    """There is nobody to hold it any more."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        session = _checkout(engine, target)
        assert session
        engine.drop(target)
        engine.engine.lending.checkin(target, session)
        wait_until(lambda: server.sessions == 0, SECONDS, "the session to end")


def test_nobody_waits_for_a_session_whose_question_has_no_answer() -> None:
    """Whoever waits is sent away once the question has passed its deadline, and whoever comes later at once."""
    with puppet() as server, turns(patient := of(server), hasty := of(server, timeout=0.1)) as engine:
        engine.turn(patient)
        server.awake.clear()
        engine.engine.ask([hasty])
        with ThreadPoolExecutor() as threads:
            assert threads.submit(_checkout, engine, hasty, LONG).result(SECONDS) is None
            assert engine.next(hasty, 0).observation.reason is not Reason.OK
            assert threads.submit(_checkout, engine, hasty, LONG).result(SECONDS) is None
        server.awake.set()
        assert _reasons(engine, patient) == [Reason.OK]
        session = wait_until(lambda: _checkout(engine, patient), SECONDS, "a session, once its last login has ended")
        assert session
        leave(session)


def test_where_no_session_is_held_a_login_like_each_other_is_made_for_it() -> None:
    """A probe makes none beside it, and goes on once the session is lent: over a connection of its own."""
    with puppet() as server, turns(target := of(server)) as engine:
        server.awake.clear()
        with ThreadPoolExecutor() as threads:
            lent = threads.submit(_checkout, engine, target)
            wait_until(lambda: server.connections, SECONDS, "the login")
            engine.engine.ask([target])
            engine.settle()
            assert server.connections == 1
            server.awake.set()
            session = lent.result(SECONDS)
        assert session
        assert engine.next(target, 0).observation.reason is Reason.OK
        assert ask(session, target)
        engine.engine.lending.checkin(target, session)
        wait_until(lambda: server.sessions == 1, SECONDS, "one session to be left")
        assert server.connections == 2


def test_whoever_borrows_waits_for_the_login_of_a_probe_and_has_its_session() -> None:
    """No second login is made."""
    with puppet() as server, turns(target := of(server)) as engine:
        server.awake.clear()
        engine.engine.ask([target])
        with ThreadPoolExecutor() as threads:
            lent = threads.submit(_checkout, engine, target)
            wait_until(lambda: server.connections, SECONDS, "the login")
            server.awake.set()
            session = lent.result(SECONDS)
        assert session
        assert engine.next(target, 0).observation.reason is Reason.OK
        assert server.connections == 1
        leave(session)


def test_while_a_session_is_lent_and_another_is_held_no_login_is_made_beside_them() -> None:
    """Until it is given back; a full login that is due waits for that."""
    with puppet() as server, turns(target := of(server), login=0.01) as engine:
        engine.settle()
        account = engine.engine._probes[target].account
        engine.turn(target)
        wait_until(lambda: account._opening is None, SECONDS, "its full login, if one had begun")
        session = wait_until(lambda: _checkout(engine, target), SECONDS, "the session")
        assert session
        engine.turn(target)
        before = server.connections
        for _ in range(3):
            engine.turn(target)
        engine.settle()
        assert server.connections == before
        assert not account.make_room(account._now())
        leave(session)
        engine.engine.lending.checkin(target, None)
        wait_until(lambda: engine.turn(target) and server.connections > before, SECONDS, "a full login")


def test_a_login_that_fails_is_told_to_whoever_asked_for_it() -> None:
    """In the words of the server, and no other follows as long as the backoff holds it back."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.settle()
        account = engine.engine._probes[target].account
        server.welcome = b"-DENIED Redis is running in protected mode\r\n"
        for _ in range(2):
            loan = engine.engine.lending.checkout(target, SECONDS)
            assert loan.error.startswith("no login: ")
            assert "DENIED" in loan.error
            account.backoff = replace(account.backoff, next_at=math.inf)
        assert server.connections == 1


def test_what_has_no_answer_is_left_to_the_engine() -> None:
    """Until that has ended, neither the engine nor a borrower opens another connection there."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        session = _checkout(engine, target)
        assert session
        server.awake.clear()
        session.sock.send(b"PING\r\n")
        engine.engine.lending.checkin(target, None, Unfinished(session.sock, b"", Secret(), logged_in=True))
        assert engine.engine.lending.checkout(target, 0.1).error.endswith("has not ended there")
        engine.engine.ask([target])
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(_checkout, engine, target)
            server.awake.set()
            lent = waiting.result(SECONDS)
            assert lent
            assert engine.next(target, 0).observation.reason is Reason.OK
        leave(lent)


def test_what_hangs_at_a_target_that_left_is_closed() -> None:
    """There is nobody to wait for its end."""
    with puppet() as server, turns(of(server)) as engine:
        sock = socket.create_connection((server.address, server.port))
        hangs = Unfinished(sock, b"", Secret(), logged_in=False)
        engine.engine.lending.checkin(of(server, key="unknown"), None, hangs)
        wait_until(lambda: sock.fileno() < 0, SECONDS, "its end")
