"""To whom an outvoted leader hands the Lease: rules by their tables, then daemons that see different hosts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mooring.leader.ballot import Answers, Ballot
from mooring.leader.election import HANDOVER_SECONDS, REST_SECONDS, WRITE_SECONDS, Lease
from mooring.leader.installation import NO_SERVICES, Services, sketch
from mooring.leader.successor import count_silent, find_better, note_outlook
from mooring.leader.vantage import (
    FRESH_SECONDS,
    SEES_SECONDS,
    SLOTS,
    STALE_SECONDS,
    Statement,
    Vantage,
    note_leases,
    statement_json,
)
from mooring.model.lease_events import LeaseHandedOver
from mooring.model.silence import NO_OUTLOOK, Outlook
from support.voters import A, B, voters

ME, NOW = "me", 1000.0
ONE, TWO, THREE = "10.20.0.11:3306", "10.20.0.12:3306", "10.20.0.13:3306"
READY = frozenset({ONE, TWO, THREE})
SEES_SEVEN = {ME: Answers(sees=frozenset({7}))}
SETTLES = SEES_SECONDS + WRITE_SECONDS + 8.0
"""The first silent probe and its votes, and then as a handover of a blind leader."""


@pytest.mark.parametrize(
    ("what", "ballot", "silent"),
    [
        ("it sees what is silent to us", Ballot(answers=SEES_SEVEN), 0),
        ("it has not said yet", Ballot(), 1),
        ("it abstains", Ballot(answers={ME: Answers(abstains=frozenset({7}))}), 1),
        ("it answers another daemon", Ballot(answers={"other": Answers(sees=frozenset({7}))}), 1),
        ("it answers an earlier silence", Ballot(answers={ME: Answers(sees=frozenset({6}))}), 1),
        ("it is silent to it, too", Ballot({ONE: 3}), 1),
        ("it sees that one, and another is silent to it", Ballot({TWO: 3}, SEES_SEVEN), 1),
        ("two others are silent to it", Ballot({TWO: 3, THREE: 4}, SEES_SEVEN), 2),
        ("one that is not ready is silent to it", Ballot({"10.20.0.19:3306": 3}, SEES_SEVEN), 0),
    ],
)
def test_how_many_ready_hosts_are_silent_to_another(what: str, ballot: Ballot, silent: int) -> None:
    """What it has not said counts against it: it may be no better off."""
    assert count_silent(ballot, ME, Outlook(READY, frozenset({ONE})), {ONE: 7}) == silent, what


def beside(version: int, *said: Statement) -> tuple[Lease | None, ...]:
    found = [
        Lease(f"other{at}", STALE_SECONDS, 0, "then", "then", str(version), statement_json(one))
        for at, one in enumerate(said, 1)
    ]
    return (*found, *(None,) * (SLOTS - len(found)))


def outvoted(*said: Statement, services: Services = NO_SERVICES, silences: dict[str, int] | None = None) -> Vantage:
    """One host is silent to us, and most see it; each statement is fresh."""
    state = note_leases(note_leases(Vantage(ME), beside(1, *said), NOW - 1), beside(2, *said), NOW)
    return note_outlook(state, services, Outlook(READY, frozenset({ONE})), silences or {ONE: 7}, NOW)


SEES = Ballot(answers=SEES_SEVEN)
OURS, THEIRS = sketch(["default/db"]), sketch(["default/other"])


@pytest.mark.parametrize(
    ("what", "statement", "able"),
    [
        ("it sees the host", Statement(ballot=SEES, services=OURS), True),
        ("it does not", Statement(services=OURS), False),
        ("it lost one, too", Statement(ballot=Ballot({TWO: 1}, SEES_SEVEN), services=OURS), False),
        ("it is in trouble", Statement(ballot=SEES, services=OURS, trouble="other1/1"), False),
        ("it rests", Statement(ballot=SEES, services=OURS, rests=True), False),
        ("too many are silent to it", Statement(ballot=Ballot(answers=SEES_SEVEN, many=True), services=OURS), False),
        ("it belongs to another installation", Statement(ballot=SEES, services=THEIRS), False),
    ],
)
def test_who_may_get_the_lease(what: str, statement: Statement, *, able: bool) -> None:
    """Only one to which fewer ready hosts are silent, and which may hold it."""
    assert bool(find_better(outvoted(statement, services=OURS), NOW, 0.0)) is able, what


def test_it_must_see_more_for_a_while() -> None:
    """Three seconds without a break, in a Lease that is fresh."""
    said = Statement(ballot=SEES)
    state = outvoted(said)
    ours = (NO_SERVICES, Outlook(READY, frozenset({ONE})), {ONE: 7})
    assert find_better(state, NOW + SEES_SECONDS - 0.1, SEES_SECONDS) == ""
    later = note_outlook(state, *ours, NOW + 2)
    assert find_better(later, NOW + SEES_SECONDS, SEES_SECONDS) == "other1"
    assert find_better(later, NOW + FRESH_SECONDS + 0.1, SEES_SECONDS) == "", "stale"
    lost = note_leases(later, beside(3, Statement()), NOW + 4)
    again = note_leases(note_outlook(lost, *ours, NOW + 4), beside(4, said), NOW + 5)
    assert find_better(note_outlook(again, *ours, NOW + 5), NOW + 7, SEES_SECONDS) == "", "it began anew"
    assert note_outlook(later, NO_SERVICES, NO_OUTLOOK, {}, NOW + 6).better == {}, "we see the host again"


def test_the_one_that_sees_most_gets_it() -> None:
    """Of two that see more than we do."""
    answers = {ME: Answers(sees=frozenset({7, 8}))}
    some, all_of_them = Ballot({THREE: 1}, answers), Ballot(answers=answers)
    state = outvoted(Statement(ballot=some), Statement(ballot=all_of_them), silences={ONE: 7, TWO: 8})
    assert find_better(state, NOW, 0.0) == "other2"


def test_an_outvoted_leader_hands_over_and_the_host_stays() -> None:
    """The next one sees the host, so that it notices what the host says of itself."""
    world, (a, b, c) = voters("a", "b", "c")
    a.silent = {A}
    took = world.until(lambda: world.leader not in {"", "a"}, SETTLES)
    assert took >= SEES_SECONDS
    assert a.told(LeaseHandedOver) == [LeaseHandedOver(world.leader, "it is outvoted on 10.20.0.11:3306")]
    world.run(60)
    assert all(one.ready(A) for one in (a, b, c))
    assert len(world.holders) == 2, "it does not come back by itself"


def test_it_stays_with_a_leader_that_is_not_alone() -> None:
    """Nobody that may vote sees more: two see another host less, or one stands beside the database."""
    world, (a, b, c) = voters("a", "b", "c")
    b.silent = c.silent = {B}
    world.run(5)
    a.silent = {A}
    world.run(60)
    assert world.leader == "a"
    assert a.ready(A)


def test_a_lease_does_not_wander() -> None:
    """Each has lost a host of its own: at most one handover in 30 s, and none back to who gave it within 60 s."""
    world, (a, b, c) = voters("a", "b", "c")
    a.silent = {A}
    world.until(lambda: world.leader in {"b", "c"}, SETTLES)
    world.run(5)
    a.silent, second = set(), b if world.leader == "b" else c
    second.silent = {B}
    world.run(120)
    times = [at for at, _ in world.holders][1:]
    assert all(later - sooner >= HANDOVER_SECONDS for sooner, later in pairwise(times))
    returns = [at for at, who in world.holders if who == "a"][1:]
    assert all(at - times[0] >= REST_SECONDS for at in returns)


def test_a_standby_that_is_outvoted_takes_a_free_lease() -> None:
    """It sees all but one host, which is better than nobody."""
    world, (a, b) = voters("a", "b")
    b.silent = {A}
    world.run(10)
    a.elector._give_back()
    a.frozen = True
    world.run(2)
    assert world.leader == "b"
