"""The record of a host: what it keeps, what it folds, and what it drops first."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from lab.health_stores import probe, service, store_of
from lab.values import KEY, report, stored, target
from mooring.judge.ledger import DAY_SECONDS
from mooring.judge.record import MOST_ENTRIES, HostRecord, NotedTransition, Run, Stored
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey
from mooring.model.verdicts import Outcome, Verdict

OK, REFUSED = Outcome(Reason.OK), Outcome(Reason.REFUSED, "connection refused")
START = 1_700_000_000.0


def transition(at: float, after: Verdict = Verdict.NOT_READY) -> NotedTransition:
    before = Verdict.READY if after is Verdict.NOT_READY else Verdict.NOT_READY
    return NotedTransition(at, at - 4.0, before, after, REFUSED, target(), 3)


def record_of(*outcomes: Outcome) -> HostRecord:
    """An outcome a second."""
    made = HostRecord()
    for second, outcome in enumerate(outcomes):
        made.note(outcome, report(target(), outcome.reason, started=float(second)))
    return made


def test_equal_outcomes_are_one_run() -> None:
    """Each run has its count, its first and last time, and the fastest and slowest latency."""
    made = HostRecord()
    for second, latency in enumerate((0.02, 0.01, 0.04, 0.03)):
        one = report(target(), started=float(second))
        made.note(OK, replace(one, ended=one.started + latency))
    made.note(REFUSED, report(target(), Reason.REFUSED, started=4.0))
    (ok, refused) = made.runs
    assert (ok.count, ok.first_at, ok.last_at) == (4, START, START + 3)
    assert (ok.fastest, ok.slowest) == pytest.approx((0.01, 0.04))
    assert (refused.outcome, refused.count) == (REFUSED, 1)


def test_the_usual_outcome_is_noted_by_its_times_alone() -> None:
    """The hot path does to a record what the slow one does."""
    slow, fast = record_of(OK), record_of(OK)
    again = report(target(), started=1.0)
    slow.note(OK, again)
    fast.note_again(again)
    assert slow == fast


@pytest.mark.parametrize(
    ("second", "runs"),
    [
        (Outcome(Reason.LAGGING, "lags 31.5 s"), 1),
        (Outcome(Reason.LAGGING, "waits for the primary"), 2),
        (Outcome(Reason.TIMEOUT, "lags 30.1 s"), 2),
        (Outcome(Reason.LAGGING, "lags 30.1 s", stays=True), 2),
    ],
    ids=["figures", "words", "reason", "effect"],
)
def test_figures_in_a_message_begin_no_new_run(second: Outcome, runs: int) -> None:
    """A lag that grows by the second is one run, with its latest message; another cause is another run."""
    made = record_of(Outcome(Reason.LAGGING, "lags 30.1 s"), second)
    assert len(made.runs) == runs
    assert made.runs[-1].outcome == second


def test_outcomes_that_take_turns_are_kept_once() -> None:
    """The record of a host that flaps takes little memory."""
    again = [Outcome(Reason.REFUSED, "connection " + "refused") for _ in range(2)]
    made = record_of(again[0], OK, again[1])
    assert made.runs[0].outcome is made.runs[2].outcome


def test_another_port_begins_a_new_run() -> None:
    """A run says which address and port were asked."""
    made = record_of(OK)
    made.note(OK, report(target(port=3307), started=1.0))
    assert [run.target.port for run in made.runs] == [3306, 3307]


def test_a_write_marks_the_transition_that_it_publishes() -> None:
    """A change that came while the write was under way waits for the next one; a later write changes no mark."""
    first, second, third = (Stored(START + at, "Endpoints", str(at)) for at in (2, 3, 4))
    made = HostRecord(transitions=[transition(START), transition(START + 1, Verdict.READY)])
    made.note_stored(Verdict.NOT_READY, first)
    assert [one.stored for one in made.transitions] == [first, None]
    made.note_stored(Verdict.READY, second)
    made.note_stored(Verdict.READY, third)
    assert [one.stored for one in made.transitions] == [first, second]


def test_a_verdict_that_was_taken_over_was_stored_before() -> None:
    """A write of ours does not claim it."""
    made = HostRecord(transitions=[replace(transition(START), outcome=None)])
    made.note_stored(Verdict.NOT_READY, Stored(START, "Endpoints", "7"))
    assert made.transitions[0].stored is None


def test_one_host_keeps_a_bounded_record() -> None:
    """However restless it is; the present run stays."""
    made = record_of(*(OK, REFUSED) * MOST_ENTRIES)
    assert len(made) <= MOST_ENTRIES
    assert made.runs[-1].last_at == START + 2 * MOST_ENTRIES - 1


def test_outcomes_and_old_transitions_go_before_those_of_the_last_day() -> None:
    """The oldest first; a transition of the last day only where nothing else is left."""
    made = record_of(OK, REFUSED, OK)
    made.transitions = [transition(START - 2 * DAY_SECONDS), transition(START - 1), transition(START + 1.5)]
    before = START - DAY_SECONDS
    assert made.spare(before) == 3
    assert made.drop(2, before) == 2
    assert [one.at for one in made.transitions] == [START - 1, START + 1.5]
    assert made.drop(9, before) == 1
    assert (len(made.runs), len(made.transitions)) == (1, 2)
    assert made.drop(1, inf) == 1
    assert [one.at for one in made.transitions] == [START + 1.5]


def test_a_host_that_is_asked_at_a_new_port_keeps_what_it_has_been_through() -> None:
    """What was noted at the old port stands before what was noted at the new one."""
    old, new = record_of(OK, REFUSED), record_of(OK)
    old.transitions.append(transition(START))
    new.follow_on(old)
    assert [run.outcome for run in new.runs] == [OK, REFUSED, OK]
    assert len(new.transitions) == 1


def test_a_run_says_whether_an_outcome_belongs_to_it() -> None:
    """The same outcome of the same place does."""
    run = Run(OK, target(), START, START, 0.1, 0.1)
    assert run.takes(OK, target())
    assert not run.takes(REFUSED, target())


def test_the_store_records_each_host() -> None:
    """Outcomes, runs folded, and each change of verdict from its first evidence on; the first one was stored."""
    address = "10.20.0.11"
    store = store_of(service(address), of=stored(ready=(address,)))
    probe(store, address, *[Reason.OK] * 3, *[Reason.REFUSED] * 3)
    record = store.records(KEY)[address]
    assert [(run.outcome.reason, run.count) for run in record.runs] == [(Reason.OK, 3), (Reason.REFUSED, 3)]
    seeded, out = record.transitions
    assert (seeded.after, seeded.outcome) == (Verdict.READY, None)
    assert (out.before, out.after, out.streak) == (Verdict.READY, Verdict.NOT_READY, 3)
    assert out.at - out.evidence_at == pytest.approx(4.01)
    assert store.records(ServiceKey("default", "unknown")) == {}
