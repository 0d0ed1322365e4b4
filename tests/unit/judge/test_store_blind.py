"""The store when hosts fall silent: whose silence it is, over all Services."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.health_stores import kinds, probe, service, states, store_of, verdicts
from lab.values import report, stored, target
from mooring.model.events import BlindChanged
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey, Thresholds
from mooring.model.verdicts import Outcome, Verdict

READY, NOT_READY = Verdict.READY, Verdict.NOT_READY
A, B, C = "10.20.0.11", "10.20.0.12", "10.20.0.13"
OTHER = ServiceKey("default", "other")
FIRST_WORD = Thresholds(1, 1)


@pytest.mark.parametrize("thresholds", [FIRST_WORD, Thresholds(2, 3)], ids=["1", "3"])
@pytest.mark.parametrize("others", [(B,), (B, C)], ids=["two targets", "three targets"])
def test_a_partition_moves_nothing(thresholds: Thresholds, others: tuple[str, ...]) -> None:
    """When every ready host falls silent at once, all stay, whatever the thresholds, and one event reports it."""
    store = store_of(service(A, *others, thresholds=thresholds), of=stored((A, *others)))
    taken = [one for n in range(4) for host in (A, *others) for one in probe(store, host, Reason.TIMEOUT, at=2.0 * n)]
    assert set(verdicts(store).values()) == {READY}
    assert {state.outcome for state in states(store).values()} == {Outcome(Reason.BLIND)}
    told = [event for one in taken for event in one.events if isinstance(event, BlindChanged)]
    assert told == [BlindChanged(blind=True, targets=1 + len(others))]
    (mended,) = probe(store, B, Reason.OK, at=20.0)
    assert BlindChanged(blind=False, targets=1 + len(others)) in mended.events


def test_a_partition_with_mixed_periods_moves_nothing() -> None:
    """A host that is probed every second is not dropped before one that is probed every minute was asked too."""
    slow = service(B, key=OTHER, period=60.0, thresholds=FIRST_WORD)
    store = store_of(service(A, period=1.0, thresholds=FIRST_WORD), slow, of=stored((A, B)))
    (waits,) = probe(store, A, Reason.UNREACHABLE)
    assert waits.ask == {target(B)}
    silent = report(target(B), Reason.TIMEOUT, started=1.0, witness=True)
    assert "BlindChanged" in kinds(store.take([replace(silent, ended=2.0)]))
    assert (verdicts(store), verdicts(store, OTHER)) == ({A: READY}, {B: READY})


def test_a_host_that_died_before_a_partition_stays_out_and_the_others_in() -> None:
    """A host that failed before a partition stays out, and the partition is noticed all the same."""
    store = store_of(service(A, B, C), of=stored((A, B, C)))
    probe(store, A, *[Reason.REFUSED] * 3)
    for n in range(4):
        for host in (A, B, C):
            probe(store, host, Reason.TIMEOUT, at=10.0 + 2 * n)
    assert verdicts(store) == {A: NOT_READY, B: READY, C: READY}


def test_a_host_in_maintenance_is_a_witness() -> None:
    """Of two hosts one is in maintenance: the other is not dropped when both fall silent at once."""
    listed = service(A, B, thresholds=FIRST_WORD)
    store = store_of(replace(listed, hosts=(listed.hosts[0], replace(listed.hosts[1], maintenance=True))))
    for host, reason in ((A, Reason.OK), (B, Reason.OK), (A, Reason.TIMEOUT), (B, Reason.TIMEOUT)):
        probe(store, host, reason, at=10.0 if reason is Reason.TIMEOUT else 0.0)
    assert verdicts(store) == {A: READY, B: READY}


def test_a_single_ready_host_has_no_guard() -> None:
    """With one ready host its silence counts, for there is nobody to compare it with."""
    store = store_of(service(A, B), of=stored((A,), (B,)))
    probe(store, A, *[Reason.TIMEOUT] * 3)
    assert verdicts(store) == {A: NOT_READY, B: NOT_READY}


def test_the_last_ready_host_has_no_guard_either() -> None:
    """Once the other hosts were dropped, the silence of the last one counts at once, whatever the others do."""
    store = store_of(service(A, B), of=stored((A, B)))
    probe(store, A, *[Reason.REFUSED] * 3)
    for n in range(3):
        probe(store, B, Reason.TIMEOUT, at=10.0 + 2 * n)
        probe(store, A, Reason.TIMEOUT, at=10.0 + 2 * n)
    assert verdicts(store) == {A: NOT_READY, B: NOT_READY}


def test_refusals_of_all_hosts_at_once_are_no_blindness() -> None:
    """When all hosts refuse, all leave: a refusal is an answer."""
    store = store_of(service(A, B, thresholds=FIRST_WORD), of=stored((A, B)))
    probe(store, A, Reason.REFUSED)
    probe(store, B, Reason.RESET)
    assert set(verdicts(store).values()) == {NOT_READY}
