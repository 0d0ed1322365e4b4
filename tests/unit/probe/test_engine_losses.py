"""What follows when a held session is lost: evidence, confirmations, storms."""

from __future__ import annotations

import itertools
import time

import pytest

from mooring.model.reasons import Reason
from support.engine_harness import SECONDS, of, turns
from support.fake_redis import PONG, puppet, puppets

OK, TIMEOUT, REFUSED, RESET = Reason.OK, Reason.TIMEOUT, Reason.REFUSED, Reason.RESET
TWO = "127.0.2.{}"


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_a_lost_session_is_evidence_and_a_host_that_answers_stays(*, reset: bool) -> None:
    """An administrator's KILL: one fresh login at once, without a turn, and nothing against the host."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers])) as engine:
        engine.turn(*both)
        servers[0].hang_up(reset=reset)
        report = engine.next(both[0], 1)
        assert (report.observation.reason, report.edge) == (OK, True)
        assert engine.quiet(0.2) == []
        assert [later.observation.reason for later in engine.turn(both[0])] == [OK]
        assert servers[0].logins == 2


def test_a_killed_process_is_confirmed_by_the_edge_and_then_by_its_turns() -> None:
    """As many probes as the threshold asks for, each its edge after the last; then silence until the next turn."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers]), edge=0.05) as engine:
        engine.turn(*both)
        killed = time.monotonic()
        servers[0].die()
        engine.next(both[0], 3)
        told = engine.of(both[0])[1:]
        assert [(one.observation.reason, one.edge, one.witness) for one in told] == [(REFUSED, True, False)] * 3
        gaps = [later.started - sooner.started for sooner, later in itertools.pairwise(told)]
        assert min(gaps) >= 0.05
        assert told[0].started - killed < SECONDS
        assert engine.quiet(0.2) == []
        (report,) = engine.turn(both[0])
        assert (report.observation.reason, report.edge) == (REFUSED, False)
        assert len(engine.of(both[1])) == 1


def test_a_loss_that_a_witness_finds_is_confirmed_like_any_other() -> None:
    """It is evidence then: the first of as many probes as the threshold asks for, and each of them counts."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers])) as engine:
        engine.turn(*both)
        servers[0].awake.clear()
        engine.engine.ask_witness(both[0])
        engine.settle()
        servers[0].shut()
        servers[0].hang_up()
        engine.next(both[0], 3)
        assert engine.quiet(0.2) == []
        told = engine.of(both[0])[1:]
        assert [(one.observation.reason, one.edge, one.witness) for one in told] == [(REFUSED, True, False)] * 3


def test_a_host_that_is_back_ends_the_confirmations() -> None:
    """A restart that is shorter than the confirmations changes no verdict."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers]), edge=SECONDS) as engine:
        engine.turn(*both)
        servers[0].die()
        engine.next(both[0], 1)
        servers[0].reopen()
        engine.skip(SECONDS)
        engine.next(both[0], 2)
        engine.skip(SECONDS)
        assert engine.quiet(0.1) == []
        assert engine.reasons(both[0]) == [OK, REFUSED, OK]


def test_silence_after_a_loss_is_left_to_the_period() -> None:
    """A host that stands still is not asked again before its turn."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers])) as engine:
        engine.turn(*both)
        servers[0].awake.clear()
        servers[0].hang_up()
        engine.expire(both[0])
        assert engine.next(both[0], 1).observation.reason is TIMEOUT
        assert engine.quiet(0.4) == []


def test_a_connection_that_is_closed_without_a_word_confirms_too() -> None:
    """As a proxy does in front of a dead server."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers])) as engine:
        engine.turn(*both)
        servers[0].turns_away = True
        servers[0].hang_up()
        for number in (1, 2, 3):
            assert engine.next(both[0], number).observation.reason is RESET
        assert engine.quiet(0.3) == []


def test_a_session_that_is_lost_under_a_question_is_asked_anew() -> None:
    """The turn has one report, of the fresh probe; it is the first confirmation where the host is gone."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers])) as engine:
        engine.turn(*both)
        servers[0].awake.clear()
        engine.engine.ask([both[0]])
        engine.settle()
        servers[0].shut()
        servers[0].hang_up()
        engine.next(both[0], 3)
        assert engine.quiet(0.2) == []
        assert engine.reasons(both[0]) == [OK, REFUSED, REFUSED, REFUSED]


def test_a_turn_between_two_confirmations_is_the_next_confirmation() -> None:
    """It gets a report, and no probe of its own."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers]), edge=SECONDS) as engine:
        engine.turn(*both)
        servers[0].die()
        engine.next(both[0], 1)
        engine.engine.ask([both[0]])
        engine.settle()
        for number in (2, 3):
            assert len(engine.of(both[0])) == number
            engine.skip(SECONDS)
            engine.next(both[0], number)
        engine.skip(SECONDS)
        assert engine.quiet(0.1) == []
        assert engine.overruns == []


def test_many_hosts_at_once_are_a_storm_and_keep_to_the_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hosts or more within a second: each is probed once at once, and then at its turns."""
    monkeypatch.setattr("mooring.probe.confirm.STORM_SECONDS", SECONDS)
    with puppets(8, TWO) as servers, turns(*(every := [of(one) for one in servers]), edge=SECONDS) as engine:
        engine.turn(*every)
        for server in servers[:4]:
            server.die()
        for target in every[:4]:
            assert engine.next(target, 1).observation.reason is REFUSED
        for _ in range(3):
            engine.skip(SECONDS)
            engine.quiet(0.1)
        assert sum(len(engine.of(target)) - 1 for target in every[:4]) <= 6
        (report,) = engine.turn(every[0])
        assert (report.observation.reason, report.edge) == (REFUSED, False)


def test_a_turn_is_reported_also_where_a_storm_ends_the_confirmations(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that came while a confirmation was awaited is not lost."""
    monkeypatch.setattr("mooring.probe.confirm.STORM_SECONDS", SECONDS)
    with puppets(8, TWO) as servers, turns(*(every := [of(one) for one in servers]), edge=SECONDS) as engine:
        engine.turn(*every)
        servers[0].die()
        engine.next(every[0], 1)
        engine.engine.ask([every[0]])
        for server in servers[1:4]:
            server.die()
        for target in every[1:4]:
            engine.next(target, 1)
        engine.skip(SECONDS)
        report = engine.next(every[0], 2)
        assert (report.observation.reason, report.edge) == (REFUSED, False)
        engine.skip(SECONDS)
        engine.quiet(0.1)
        assert len(engine.of(every[0])) == 3


def test_a_loss_while_a_turn_waits_is_reported_once() -> None:
    """The fresh probe that a turn began counts as the evidence as well."""
    with puppet() as server, turns(target := of(server)) as engine:
        engine.turn(target)
        server.awake.clear()
        for _ in range(2):
            engine.engine.ask([target])
        engine.settle()
        server.hang_up()
        server.awake.set()
        engine.next(target, 2)
        assert engine.quiet(0.2) == []
        assert engine.reasons(target) == [OK, OK, OK]


def test_words_of_the_server_that_end_the_session_are_evidence() -> None:
    """After bytes that nobody asked for, and then the end, a fresh probe shows how the host is."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers])) as engine:
        engine.turn(*both)
        servers[0].say(PONG)
        servers[0].hang_up()
        assert engine.next(both[0], 1).observation.reason is OK
        assert engine.quiet(0.2) == []


def test_a_server_that_ends_every_session_is_not_logged_in_to_on_end() -> None:
    """A few losses are looked into at once; what follows waits for the next turn, which begins anew."""
    with puppets(2, TWO) as servers, turns(*(both := [of(one) for one in servers])) as engine:
        engine.turn(*both)
        for number in (1, 2, 3):
            servers[0].hang_up()
            assert engine.next(both[0], number).edge
        servers[0].hang_up()
        assert engine.quiet(0.3) == []
        engine.turn(both[0])
        servers[0].hang_up()
        assert engine.next(both[0], 5).edge
