"""The board: what each report does to the Services that list its target."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ground.boards import board_of, kinds, place, probe, service, states, verdicts
from ground.values import KEY, report, stored, target
from mooring.board import Board, Taken
from mooring.events import HostChanged, HostUnknown
from mooring.facts import Channel, Facts
from mooring.model import Observation, Outcome, Verdict
from mooring.reasons import Reason
from mooring.spec import HostSpec, ServiceKey, Thresholds

UNJUDGED, READY, NOT_READY = Verdict.UNJUDGED, Verdict.READY, Verdict.NOT_READY
A, B, C = "10.20.0.11", "10.20.0.12", "10.20.0.13"
OTHER = ServiceKey("default", "other")
FIRST_WORD = Thresholds(1, 1)
NAME = "db.example.com"


def test_what_is_stored_is_the_verdict_and_the_rest_was_never_judged() -> None:
    """A restart takes over both stored lists; only an address in neither has to be judged for the first time."""
    board = board_of(service(A, B, C), of=stored((A,), (B,)))
    assert verdicts(board) == {A: READY, B: NOT_READY, C: UNJUDGED}


def test_it_is_seeded_once() -> None:
    """What others store later changes no verdict."""
    board = board_of(service(A), of=stored((A,)))
    board.seed(KEY, stored((), (A,)))
    assert verdicts(board) == {A: READY}


def test_who_stands_by_follows_what_is_stored_until_its_own_probes_bear_a_verdict_out() -> None:
    """A standby that began while hosts were stored as not ready must not publish that once it takes over."""
    board = board_of(service(A, B), of=stored((B,), (A,)))
    probe(board, A, Reason.OK)
    probe(board, B, Reason.OK)
    board.follow(KEY, stored((A,), (B,)))
    assert verdicts(board) == {A: READY, B: READY}
    probe(board, A, Reason.OK, at=2.0)
    board.follow(KEY, stored((), (A, B)))
    assert verdicts(board) == {A: READY, B: READY}


def test_unknown_outcomes_bear_nothing_out() -> None:
    """A standby that cannot log in hands on what the leader says."""
    board = board_of(service(A), of=stored((), (A,)))
    for at in (0.0, 2.0, 4.0, 6.0):
        probe(board, A, Reason.AUTH, at=at)
    board.follow(KEY, stored((A,)))
    assert verdicts(board) == {A: READY}


def test_until_it_is_seeded_outcomes_are_shown_but_judge_nobody() -> None:
    """While the cluster cannot be read, hosts are probed and seen, and nobody is judged from less than the truth."""
    board = Board()
    place(board, service(A))
    (taken,) = probe(board, A, Reason.REFUSED)
    assert (kinds(taken), taken.changed) == ([], frozenset())
    assert states(board)[A].outcome == Outcome(Reason.REFUSED)
    board.seed(KEY, stored((A,)))
    assert verdicts(board) == {A: READY}
    probe(board, A, Reason.REFUSED, at=0.1)
    assert states(board)[A].streak == 1


def test_an_own_word_before_the_seeding_is_not_forgotten() -> None:
    """A host that said it has the wrong role is not ready, though it is stored as ready."""
    board = Board()
    place(board, service(A))
    probe(board, A, Reason.WRONG_ROLE)
    board.seed(KEY, stored((A,)))
    assert verdicts(board) == {A: NOT_READY}


def test_a_crash_loop_admits_no_flapper() -> None:
    """A daemon that dies after every first success never makes a host ready by that."""
    for _ in range(5):
        board = board_of(service(A), of=stored((), (A,)))
        probe(board, A, Reason.OK)
        assert verdicts(board) == {A: NOT_READY}


def test_a_change_is_told_with_what_it_took() -> None:
    """Each change of verdict is one event with the host, the verdict before and the streak, and names the Service."""
    board = board_of(service(A), of=stored((A,)))
    *before, last = probe(board, A, *[Reason.REFUSED] * 3, at=100.0)
    assert [kinds(taken) for taken in before] == [[], []]
    ((member, state),) = board.view(KEY)
    assert last.events == (HostChanged(member, state, READY, 3, 104.01 - 100.0),)
    assert (last.changed, board.changed_at(KEY)) == (frozenset({KEY}), 104.01)
    assert (state.verdict, state.streak, state.outcome) == (NOT_READY, 0, Outcome(Reason.REFUSED))


def test_a_first_verdict_takes_one_outcome() -> None:
    """A host that was never judged is told as changed at its first definite outcome."""
    board = board_of(service(A))
    assert board.changed_at(KEY) is None
    (taken,) = probe(board, A, Reason.OK)
    (changed,) = (event for event in taken.events if isinstance(event, HostChanged))
    assert (changed.before, changed.streak, changed.state.verdict) == (UNJUDGED, 1, READY)


def test_how_long_a_change_took_to_notice_is_told() -> None:
    """From the start of the first probe of the streak that counted, whatever came before it or in between."""
    board = board_of(service(A), of=stored((A,)))
    refused, auth, ok = Reason.REFUSED, Reason.AUTH, Reason.OK
    taken = probe(board, A, refused, ok, refused, auth, refused, refused, ok, ok, Reason.READ_ONLY)
    told = [event.seconds for one in taken for event in one.events if isinstance(event, HostChanged)]
    assert told == [pytest.approx(6.01), pytest.approx(2.01), pytest.approx(0.01)]
    (first,) = probe(board_of(service(A)), A, refused)
    assert [event.seconds for event in first.events if isinstance(event, HostChanged)] == [None]


def test_an_unknown_outcome_is_told_once_for_each_reason() -> None:
    """A wrong password is said once, not at every probe; another cause is said anew, and the same after a cure."""
    board = board_of(service(A), of=stored((A,)))
    reasons = [Reason.AUTH, Reason.AUTH, Reason.LOCAL, Reason.OK, Reason.AUTH]
    told = [
        [e.outcome.reason for e in taken.events if isinstance(e, HostUnknown)] for taken in probe(board, A, *reasons)
    ]
    assert told == [[Reason.AUTH], [], [Reason.LOCAL], [], [Reason.AUTH]]
    assert verdicts(board) == {A: READY}


def test_the_last_facts_are_shown() -> None:
    """When a host was probed, how fast it answered, its role and its lag can be read."""
    board = board_of(service(A))
    seen = Observation(Reason.OK, latency=0.004, facts=Facts(channels=(Channel("10.20.0.12:3306", lag=1.5),)))
    board.take([replace(report(target(A), started=5.0), observation=seen)])
    state = states(board)[A]
    assert (state.probed_at, state.latency, state.facts) == (1_700_000_005.0, 0.004, seen.facts)


def test_the_answer_is_judged_by_each_service_for_itself() -> None:
    """Two Services may share one probe and want different answers."""
    picky = replace(service(A, key=OTHER), check=replace(service(A).check, expect="0"))
    board = board_of(service(A), picky)
    board.take([replace(report(target(A)), observation=Observation(Reason.OK, answer="1"))])
    assert (verdicts(board), verdicts(board, OTHER)) == ({A: READY}, {A: NOT_READY})


def test_a_shared_target_is_probed_at_the_shortest_period_and_counts_for_each_at_its_own() -> None:
    """A Service that asks every 5 s takes five times as long to drop a host, though another asks every second."""
    board = board_of(service(A, period=1.0), service(A, key=OTHER, period=5.0), of=stored((A,)))
    assert board.targets() == {target(A): 1.0}
    taken = probe(board, A, *[Reason.REFUSED] * 11, every=1.0)
    assert [(n, one.changed) for n, one in enumerate(taken) if one.changed] == [
        (2, frozenset({KEY})),
        (10, frozenset({OTHER})),
    ]


def test_the_hosts_own_word_waits_for_no_turn() -> None:
    """A wrong role decides at the first word that any probe hears, also between two turns of a slow Service."""
    board = board_of(service(A, period=1.0), service(A, key=OTHER, period=60.0), of=stored((A,)))
    probe(board, A, Reason.OK, Reason.READ_ONLY, every=1.0)
    assert verdicts(board, OTHER) == {A: NOT_READY}


@pytest.mark.parametrize(
    ("starts", "streak"),
    [
        pytest.param([0, 2, 4], 3, id="on time"),
        pytest.param([0, 1.9, 3.9, 5.8, 8.1], 5, id="jitter"),
        pytest.param([0, 1.9, 3.8, 5.7, 7.6], 5, id="each a little early"),
        pytest.param([0, 2.9, 4, 6], 4, id="a late one costs no turn"),
        pytest.param([0, 0.5, 1.0, 1.5, 2.0], 2, id="asked four times as often"),
        pytest.param([0, 100, 101], 2, id="after a pause"),
    ],
)
def test_at_most_one_outcome_counts_in_a_period(starts: list[float], streak: int) -> None:
    """However often a host is probed, thresholds are counted in the periods that the file says."""
    board = board_of(service(A, thresholds=Thresholds(1, 100)), of=stored((A,)))
    for start in starts:
        probe(board, A, Reason.REFUSED, at=start)
    assert states(board)[A].streak == streak


def test_witness_reports_count_for_no_verdict() -> None:
    """A probe that was only asked whether anything answers moves no streak, but is told like any probe."""
    board = board_of(service(A, thresholds=FIRST_WORD), of=stored((A,)))
    made = report(target(A), Reason.REFUSED, witness=True)
    assert board.take([made]) == Taken()
    assert verdicts(board) == {A: READY}


def test_a_new_file_keeps_verdicts_and_streaks_of_hosts_it_leaves_alone() -> None:
    """Switching maintenance or changing another host touches nobody's verdict or streak."""
    board = board_of(service(A, B), of=stored((A, B)))
    probe(board, A, Reason.REFUSED)
    listed = service(A, C)
    place(board, replace(listed, hosts=(replace(listed.hosts[0], maintenance=True), listed.hosts[1])))
    assert verdicts(board) == {A: READY, C: UNJUDGED}
    assert states(board)[A].streak == 1
    assert board.view(KEY)[0][0].maintenance


def test_a_new_check_keeps_the_verdict_and_begins_a_new_streak() -> None:
    """Outcomes of another question are not added to those of the old one; the traffic stays where it is."""
    board = board_of(service(A), of=stored((A,)))
    probe(board, A, Reason.REFUSED, Reason.REFUSED)
    place(board, replace(service(A), check=replace(service(A).check, timeout=0.5)))
    assert (states(board)[A].verdict, states(board)[A].streak) == (READY, 0)
    assert board.targets() == {target(A, timeout=0.5): 2.0}


def test_a_dropped_service_is_probed_no_more() -> None:
    """A Service that left the file takes its targets with it, and a late report of them is let go."""
    board = board_of(service(A), service(B, key=OTHER))
    board.drop(KEY)
    assert board.targets() == {target(B): 2.0}
    assert [one.spec.key for one in board.snapshot()] == [OTHER]
    assert kinds(probe(board, A, Reason.OK)[0]) == []


def test_a_name_resolved_late_finds_its_stored_verdict() -> None:
    """When names cannot be looked up at a start, their addresses take their stored verdict over once they can."""
    board = board_of(service(A, NAME), of=stored((A, B)))
    assert board.unresolved(KEY) == (HostSpec(NAME, NAME),)
    place(board, service(A, NAME), {NAME: (B,)})
    assert verdicts(board) == {A: READY, B: READY}
    assert board.unresolved(KEY) == ()


def test_an_address_that_comes_later_is_judged_for_the_first_time() -> None:
    """Once every name was resolved, what was stored at the start says nothing about new addresses."""
    board = board_of(service(A), of=stored((A, B)))
    place(board, service(A, B))
    assert verdicts(board) == {A: READY, B: UNJUDGED}


def test_all_probed_and_settled() -> None:
    """Ready to serve is: every host was probed. Done at once is: each verdict stands, or it cannot be known."""
    board = board_of(service(A, B), of=stored((A,)))
    assert (board.all_probed(), board.settled()) == (False, False)
    probe(board, A, Reason.REFUSED, Reason.REFUSED)
    probe(board, B, Reason.AUTH, Reason.AUTH)
    assert (board.all_probed(), board.settled()) == (True, False)
    probe(board, A, Reason.REFUSED, at=4.0)
    assert not board.settled()
    probe(board, B, Reason.AUTH, at=4.0)
    assert board.settled()


def test_a_verdict_under_doubt_is_not_settled() -> None:
    """A host that begins to fail is asked until that is sure, or is over."""
    board = board_of(service(A), of=stored((A,)))
    probe(board, A, Reason.REFUSED)
    assert not board.settled()
    probe(board, A, Reason.OK, at=2.0)
    assert board.settled()


def test_unknown_outcomes_settle_only_in_a_row() -> None:
    """Now and then an unknown outcome between failures does not end the asking."""
    board = board_of(service(A, thresholds=Thresholds(9, 3)), of=stored((), (A,)))
    probe(board, A, *[Reason.OK, Reason.AUTH, Reason.AUTH] * 2)
    assert not board.settled()
    probe(board, A, Reason.AUTH, at=20.0)
    assert board.settled()


def test_a_snapshot_shows_every_service() -> None:
    """The status page reads one consistent picture: specification, hosts, unresolved names, seeded or not."""
    board = board_of(service(A, NAME), of=stored((A,)))
    place(board, service(B, key=OTHER))
    one, two = board.snapshot()
    assert (one.spec, one.hosts, one.unresolved, one.seeded) == (
        service(A, NAME),
        board.view(KEY),
        (HostSpec(NAME, NAME),),
        True,
    )
    assert (two.spec.key, two.seeded) == (OTHER, False)


def test_many_threads_and_a_thousand_hosts() -> None:
    """Eight threads that report a thousand hosts lose no outcome, and the board is no bottleneck."""
    addresses = [f"10.{n // 200}.{n % 200}.1" for n in range(1000)]
    board = board_of(service(*addresses, thresholds=Thresholds(2, 3)), of=stored(tuple(addresses)))
    rounds = [(address, Reason.REFUSED, 2.0 * n) for n in range(3) for address in addresses]
    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        for n in range(3):
            list(threads.map(lambda one: probe(board, one[0], one[1], at=one[2]), rounds[n * 1000 : (n + 1) * 1000]))
    assert time.monotonic() - began < 30.0
    assert set(verdicts(board).values()) == {NOT_READY}


def test_a_host_that_was_unknown_and_is_known_again_is_told() -> None:
    """`host.unknown` has an end in the log, once, when its verdict is what it was."""
    board = board_of(service(A), of=stored(ready=(A,)))
    told = probe(board, A, Reason.OK, Reason.AUTH, Reason.AUTH, Reason.OK, Reason.OK)
    assert [kinds(taken) for taken in told] == [[], ["HostUnknown"], [], ["HostKnown"], []]
