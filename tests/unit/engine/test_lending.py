"""A held session that is lent to somebody, and given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ground.holding import ask, leave
from ground.puppet import PONG, puppet
from ground.turns import SECONDS, Turns, of, turns
from ground.waiting import wait_until
from mooring.model import Target
from mooring.protocols.exchange import Session
from mooring.reasons import Reason


def _borrow(engine: Turns, target: Target, seconds: float = SECONDS) -> Session | None:
    return engine.engine.lending.borrow(target, seconds)


def _reasons(engine: Turns, *targets: Target) -> list[Reason]:
    return [report.observation.reason for report in engine.turn(*targets)]


def test_whoever_borrows_the_session_speaks_over_it_and_gives_it_back() -> None:
    """No login is made for that, and the next question goes over the same session."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        session = _borrow(engine, target)
        assert session
        assert ask(session, target)
        engine.engine.lending.give_back(target, session)
        assert _reasons(engine, target) == [Reason.OK]
        assert (server.connections, server.questions) == (1, 2)


def test_what_is_asked_meanwhile_is_asked_by_a_fresh_connection() -> None:
    """That one is held from then on; the one that comes back is left."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        session = _borrow(engine, target)
        assert session
        assert _reasons(engine, target) == [Reason.OK]
        assert server.connections == 2
        engine.engine.lending.give_back(target, session)
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
            handed = threads.submit(_borrow, engine, target)
            assert engine.quiet(0.05) == []
            assert not handed.done()
            server.awake.set()
            session = handed.result(SECONDS)
        assert engine.next(target, 1).observation.reason is Reason.OK
        assert session
        assert ask(session, target)
        leave(session)


def test_there_is_none_to_lend() -> None:
    """Of a target that is not known, one that was never asked, one whose server stands still, one that broke the rules,
    one that is lent already: the borrower is told at once, or when the question is given up.
    """
    with puppet() as server, puppet() as other, turns(target := of(server, timeout=0.2), of(other)) as engine:
        assert _borrow(engine, of(other, key="unknown")) is None
        assert _borrow(engine, target) is None
        engine.turn(target, of(other))
        lent = _borrow(engine, of(other))
        assert lent
        assert _borrow(engine, of(other)) is None
        leave(lent)
        server.awake.clear()
        engine.engine.ask([target])
        assert _borrow(engine, target) is None
        server.awake.set()
        engine.turn(target)
        server.say(PONG)
        engine.quiet(0.05)
        assert _borrow(engine, target) is None


def test_whoever_gives_up_waiting_leaves_the_session_where_it_is() -> None:
    """It goes on being asked over, and its end is still noticed."""
    with puppet() as server, turns(target := of(server, timeout=SECONDS)) as engine:
        engine.turn(target)
        server.awake.clear()
        engine.engine.ask([target])
        assert _borrow(engine, target, 0.05) is None
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
        session = _borrow(engine, target)
        assert session
        engine.drop(target)
        engine.engine.lending.give_back(target, session)
        wait_until(lambda: server.sessions == 0, SECONDS, "the session to end")
