"""What all records keep together."""

from __future__ import annotations

import gc
import tracemalloc

from lab.values import report, target
from mooring.judge.ledger import DAY_SECONDS, MOST_ENTRIES, Ledger
from mooring.judge.record import HostRecord, NotedTransition
from mooring.model.reasons import Reason
from mooring.model.verdicts import Outcome, Verdict

START = 1_700_000_000.0
OK = Outcome(Reason.OK)
PART = 25
"""The test of memory has this part of a thousand hosts."""
MOST_BYTES = 40 * 2**20 / PART


def enrolled(ledger: Ledger, count: int) -> list[HostRecord]:
    records = [HostRecord() for _ in range(count)]
    for one in records:
        ledger.enroll(one)
    return records


def note(record: HostRecord, number: int) -> None:
    """The outcomes take turns, so each is an entry."""
    outcome = OK if number % 2 else Outcome(Reason.PROTOCOL, f"{number:x} ".replace("1", "l") + "x" * 246)
    record.note(outcome, report(target(), outcome.reason, started=float(number)))


def test_a_restless_host_loses_its_own_entries_first() -> None:
    """The record of a calm host outlasts any flapping beside it."""
    ledger = Ledger(most=100)
    calm, restless = enrolled(ledger, 2)
    for number in range(4):
        note(calm, number)
    for number in range(1000):
        note(restless, number)
    assert len(calm) == 4
    assert len(calm) + len(restless) == ledger.entries <= 100


def test_a_transition_of_the_last_day_goes_last() -> None:
    """While any outcome or older transition is left, it stays; the bound holds even so."""
    ledger = Ledger(most=64)
    one, other = enrolled(ledger, 2)
    for number in range(32):
        at = START + number
        one.note_transition(NotedTransition(at, at, Verdict.READY, Verdict.NOT_READY, OK, target()))
    for number in range(200):
        note(other, number)
    assert len(one.transitions) == 32
    at = START + DAY_SECONDS + 100
    for _ in range(40):
        other.note_transition(NotedTransition(at, at, Verdict.READY, Verdict.NOT_READY, OK, target()))
    assert len(one.transitions) < 32
    assert len(one) + len(other) <= 64


def test_only_transitions_of_the_last_day_are_bounded_too() -> None:
    """Where nothing else is left, the oldest of them go."""
    ledger = Ledger(most=64)
    (one,) = enrolled(ledger, 1)
    for number in range(100):
        at = START + number
        one.note_transition(NotedTransition(at, at, Verdict.READY, Verdict.NOT_READY, OK, target()))
    assert len(one) <= 64
    assert one.transitions[-1].at == START + 99


def test_the_record_of_a_host_that_left_counts_no_more() -> None:
    """Nobody keeps the record of a host that the file no longer lists."""
    ledger = Ledger(most=10)
    staying, leaving = enrolled(ledger, 2)
    for number in range(8):
        note(leaving, number)
    del leaving
    gc.collect()
    for number in range(9):
        note(staying, number)
    assert len(staying) == 9


def test_a_record_is_counted_once() -> None:
    """A reload enrols each host anew."""
    ledger = Ledger()
    (one,) = enrolled(ledger, 1)
    note(one, 1)
    ledger.enroll(one)
    assert ledger.entries == 1


def test_the_longest_messages_of_a_thousand_restless_hosts_fit_into_forty_mebibytes() -> None:
    """Each outcome differs from the one before, and every second one has a message of the longest kind."""
    ledger = Ledger(most=MOST_ENTRIES // PART)
    tracemalloc.start()
    try:
        records = enrolled(ledger, 1000 // PART)
        for number in range(MOST_ENTRIES // 1000 + 1):
            for one in records:
                note(one, number)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.9 * ledger.most < ledger.entries <= ledger.most
    assert used <= MOST_BYTES, f"{used / 2**20:.1f} MiB"
