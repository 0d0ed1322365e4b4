"""The store: what each report does to the Services that list its target."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from unittest.mock import MagicMock

import pytest

from lab.health_stores import kinds, place, probe, service, states, store_of, verdicts
from lab.values import KEY, report, stored, target
from mooring.judge.batch import BatchResult
from mooring.judge.service import MOST_CHANGES
from mooring.judge.view import ServiceView, view_of
from mooring.model.events import HostChanged, HostUnknown
from mooring.model.facts import Channel, Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, ServiceKey, Thresholds
from mooring.model.verdicts import Outcome, Verdict

UNJUDGED, READY, NOT_READY = Verdict.UNJUDGED, Verdict.READY, Verdict.NOT_READY
A, B, C = "10.20.0.11", "10.20.0.12", "10.20.0.13"
OTHER = ServiceKey("default", "other")
FIRST_WORD = Thresholds(1, 1)
NAME = "db.example.com"


def test_a_change_is_reported_with_its_streak() -> None:
    """Each change of verdict is one event with the host, the verdict before and the streak, and names the Service."""
    store = store_of(service(A), of=stored((A,)))
    *before, last = probe(store, A, *[Reason.REFUSED] * 3, at=100.0)
    assert [kinds(taken) for taken in before] == [[], []]
    ((member, state),) = store.service(KEY).hosts
    assert last.events == (HostChanged(member, state, READY, 3, 104.01 - 100.0, counts=(0, 1)),)
    assert (last.changed, store.service(KEY).changed_at) == (frozenset({KEY}), 104.01)
    assert (state.verdict, state.streak, state.outcome) == (NOT_READY, 0, Outcome(Reason.REFUSED))


def test_another_reason_of_a_host_that_is_out_is_published_at_once() -> None:
    """A last resort that dies is one no more; a trusted host that fails loses its trust: no write waits for a look."""
    store = store_of(service(A), of=stored((), (A,)))
    saturated, again, refused, same, auth = probe(
        store, A, Reason.SATURATED, Reason.SATURATED, Reason.REFUSED, Reason.REFUSED, Reason.AUTH
    )
    woken = [bool(one.changed) for one in (saturated, again, refused, same, auth)]
    assert woken == [True, False, True, False, True]


def test_a_first_verdict_takes_one_outcome() -> None:
    """The first definite outcome of a host that was never judged emits a change."""
    store = store_of(service(A))
    assert store.service(KEY).changed_at is None
    (taken,) = probe(store, A, Reason.OK)
    (changed,) = (event for event in taken.events if isinstance(event, HostChanged))
    assert (changed.before, changed.streak, changed.state.verdict) == (UNJUDGED, 1, READY)


def test_a_change_reports_how_long_it_took() -> None:
    """From the start of the first probe of the streak that counted, whatever came before it or in between."""
    store = store_of(service(A), of=stored((A,)))
    refused, auth, ok = Reason.REFUSED, Reason.AUTH, Reason.OK
    taken = probe(store, A, refused, ok, refused, auth, refused, refused, ok, ok, Reason.READ_ONLY)
    told = [event.seconds for one in taken for event in one.events if isinstance(event, HostChanged)]
    assert told == [pytest.approx(6.01), pytest.approx(2.01), pytest.approx(0.01)]
    (first,) = probe(store_of(service(A)), A, refused)
    assert [event.seconds for event in first.events if isinstance(event, HostChanged)] == [None]


def test_an_unknown_outcome_is_reported_once_for_each_reason() -> None:
    """A wrong password emits one event, not one for each probe; another reason emits a new one, so does a relapse."""
    store = store_of(service(A), of=stored((A,)))
    reasons = [Reason.AUTH, Reason.AUTH, Reason.LOCAL, Reason.OK, Reason.AUTH]
    told = [
        [e.outcome.reason for e in taken.events if isinstance(e, HostUnknown)] for taken in probe(store, A, *reasons)
    ]
    assert told == [[Reason.AUTH], [], [Reason.LOCAL], [], [Reason.AUTH]]
    assert verdicts(store) == {A: READY}


def test_the_last_facts_are_shown() -> None:
    """The state shows when a host was probed, how fast it answered, its role and its lag."""
    store = store_of(service(A))
    seen = Observation(Reason.OK, latency=0.004, facts=Facts(channels=(Channel("10.20.0.12:3306", lag=1.5),)))
    store.take([replace(report(target(A), started=5.0), observation=seen)])
    state = states(store)[A]
    assert (state.probed_at, state.latency, state.facts) == (1_700_000_005.0, 0.004, seen.facts)


def test_the_answer_is_judged_by_each_service_for_itself() -> None:
    """Two Services may share one probe and expect different answers."""
    picky = replace(service(A, key=OTHER), check=replace(service(A).check, expect="0"))
    store = store_of(service(A), picky)
    store.take([replace(report(target(A)), observation=Observation(Reason.OK, answer="1"))])
    assert (verdicts(store), verdicts(store, OTHER)) == ({A: READY}, {A: NOT_READY})


def test_a_shared_target_is_probed_at_the_shortest_period_and_counts_for_each_at_its_own() -> None:
    """A Service that asks every 5 s takes five times as long to drop a host, though another asks every second."""
    store = store_of(service(A, period=1.0), service(A, key=OTHER, period=5.0), of=stored((A,)))
    assert store.targets() == {target(A): 1.0}
    taken = probe(store, A, *[Reason.REFUSED] * 11, every=1.0)
    assert [(n, one.changed) for n, one in enumerate(taken) if one.changed] == [
        (2, frozenset({KEY})),
        (10, frozenset({OTHER})),
    ]


def test_the_hosts_own_word_waits_for_no_turn() -> None:
    """A wrong role decides at the first word that any probe hears, also between two turns of a slow Service."""
    store = store_of(service(A, period=1.0), service(A, key=OTHER, period=60.0), of=stored((A,)))
    probe(store, A, Reason.OK, Reason.READ_ONLY, every=1.0)
    assert verdicts(store, OTHER) == {A: NOT_READY}


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
    store = store_of(service(A, thresholds=Thresholds(1, 100)), of=stored((A,)))
    for start in starts:
        probe(store, A, Reason.REFUSED, at=start)
    assert states(store)[A].streak == streak


def test_witness_reports_count_for_no_verdict() -> None:
    """A witness report changes no verdict and no streak, and emits no event."""
    store = store_of(service(A, thresholds=FIRST_WORD), of=stored((A,)))
    made = report(target(A), Reason.REFUSED, witness=True)
    assert store.take([made]) == BatchResult()
    assert verdicts(store) == {A: READY}


def test_a_new_file_keeps_verdicts_and_streaks_of_hosts_it_leaves_alone() -> None:
    """A switch of maintenance, or a change of another host, leaves each verdict and streak as it is."""
    store = store_of(service(A, B), of=stored((A, B)))
    probe(store, A, Reason.REFUSED)
    listed = service(A, C)
    place(store, replace(listed, hosts=(replace(listed.hosts[0], maintenance=True), listed.hosts[1])))
    assert verdicts(store) == {A: READY, C: UNJUDGED}
    assert states(store)[A].streak == 1
    assert store.service(KEY).hosts[0][0].host.maintenance


def test_a_new_check_keeps_the_verdict_and_begins_a_new_streak() -> None:
    """Outcomes of another question are not added to those of the old one; the traffic stays where it is."""
    store = store_of(service(A), of=stored((A,)))
    probe(store, A, Reason.REFUSED, Reason.REFUSED)
    place(store, replace(service(A), check=replace(service(A).check, timeout=0.5)))
    assert (states(store)[A].verdict, states(store)[A].streak) == (READY, 0)
    assert store.targets() == {target(A, timeout=0.5): 2.0}


def test_a_dropped_service_is_probed_no_more() -> None:
    """A Service that left the file takes its targets with it, and a late report of them is let go."""
    store = store_of(service(A), service(B, key=OTHER))
    store.drop(KEY)
    assert store.targets() == {target(B): 2.0}
    assert [one.spec.key for one in store.snapshot()] == [OTHER]
    assert kinds(probe(store, A, Reason.OK)[0]) == []


def test_all_probed_and_settled() -> None:
    """Ready to serve is: every host was probed. Done at once is: each verdict stands, or it cannot be known."""
    store = store_of(service(A, B), of=stored((A,)))
    assert (store.all_probed(), store.settled()) == (False, False)
    probe(store, A, Reason.REFUSED, Reason.REFUSED)
    probe(store, B, Reason.LOCAL, Reason.LOCAL)
    assert (store.all_probed(), store.settled()) == (True, False)
    probe(store, A, Reason.REFUSED, at=4.0)
    assert not store.settled()
    probe(store, B, Reason.LOCAL, at=4.0)
    assert store.settled()


@pytest.mark.parametrize("refusal", [Reason.AUTH, Reason.QUOTA])
def test_one_refused_login_settles_a_host(refusal: Reason) -> None:
    """``check``, ``plan`` and ``run --once`` make no second one: some servers lock an account for a few."""
    store = store_of(service(A), of=stored((A,)))
    probe(store, A, refusal)
    assert store.settled()


def test_a_verdict_under_doubt_is_not_settled() -> None:
    """A host with a streak against its verdict is not settled."""
    store = store_of(service(A), of=stored((A,)))
    probe(store, A, Reason.REFUSED)
    assert not store.settled()
    probe(store, A, Reason.OK, at=2.0)
    assert store.settled()


def test_unknown_outcomes_settle_only_in_a_row() -> None:
    """Unknown outcomes settle a host only in a row of ``failureThreshold``."""
    store = store_of(service(A, thresholds=Thresholds(9, 3)), of=stored((), (A,)))
    probe(store, A, *[Reason.OK, Reason.LOCAL, Reason.LOCAL] * 2)
    assert not store.settled()
    probe(store, A, Reason.LOCAL, at=20.0)
    assert store.settled()


def test_a_snapshot_shows_every_service() -> None:
    """A snapshot is consistent: specification, hosts, unresolved names and the seed belong to one moment."""
    store = store_of(service(A, NAME), of=stored((A,)))
    place(store, service(B, key=OTHER))
    one, two = store.snapshot()
    assert (one.spec, one.hosts, one.unresolved, one.seeded) == (
        service(A, NAME),
        store.service(KEY).hosts,
        (HostSpec(NAME, NAME),),
        True,
    )
    assert (two.spec.key, two.seeded) == (OTHER, False)


def test_a_report_waits_for_the_look_at_one_service_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scrape of very many hosts lets reports in between any two Services."""
    store = store_of(service(A), service(B, key=OTHER))
    monkeypatch.setattr(store, "_lock", turns := MagicMock())
    looked: list[int] = []

    def look(*given: Any) -> ServiceView:
        looked.append(turns.__enter__.call_count)
        return view_of(*given)

    monkeypatch.setattr("mooring.judge.changeovers.view_of", look)
    assert [one.spec.key for one in store.snapshot()] == [KEY, OTHER]
    assert len(set(looked)) == 2, "each Service is looked at in a turn of its own"


def test_each_of_two_quick_changes_is_remembered_with_its_own_evidence() -> None:
    """Whoever publishes sees when each verdict changed and since when there were signs of it, in one snapshot."""
    store = store_of(service(A, B, thresholds=Thresholds(1, 1)), of=stored((A, B)))
    before = store.service(KEY)
    probe(store, A, Reason.REFUSED, at=10.0)
    probe(store, B, Reason.REFUSED, at=11.0)
    after = store.service(KEY)
    assert [one.changed_at for one in after.changes] == [10.01, 11.01]
    assert [one.evidence for one in after.changes] == pytest.approx([1_700_000_009.99, 1_700_000_010.99])
    assert (after.changed_at, after.evidence) == (11.01, after.changes[-1].evidence)
    assert (before.changes, before.changed_at, before.evidence) == ((), None, None), "a snapshot stays as it was"
    for turn in range(20):
        probe(store, A, (Reason.OK, Reason.REFUSED)[turn % 2], at=20.0 + 2 * turn)
    assert len(store.service(KEY).changes) == MOST_CHANGES


def test_many_threads_and_a_thousand_hosts() -> None:
    """Eight threads that report a thousand hosts lose no outcome, and the store is no bottleneck."""
    addresses = [f"10.{n // 200}.{n % 200}.1" for n in range(1000)]
    store = store_of(service(*addresses, thresholds=Thresholds(2, 3)), of=stored(tuple(addresses)))
    rounds = [(address, Reason.REFUSED, 2.0 * n) for n in range(3) for address in addresses]
    began = time.process_time()
    with ThreadPoolExecutor(8) as threads:
        for n in range(3):
            list(threads.map(lambda one: probe(store, one[0], one[1], at=one[2]), rounds[n * 1000 : (n + 1) * 1000]))
    assert time.process_time() - began < 30.0
    assert set(verdicts(store).values()) == {NOT_READY}


def test_a_host_that_is_known_again_is_reported() -> None:
    """`host.unknown` has an end in the log, once, when its verdict is what it was."""
    store = store_of(service(A), of=stored(ready=(A,)))
    told = probe(store, A, Reason.OK, Reason.AUTH, Reason.AUTH, Reason.OK, Reason.OK)
    assert [kinds(taken) for taken in told] == [[], ["HostUnknown"], [], ["HostKnown"], []]


def test_the_last_answer_of_a_ready_target_is_known() -> None:
    """The store knows when the last successful probe of a ready target began; other answers do not count."""
    store = store_of(service(A, B), of=stored((A,), (B,)))
    ready, out = target(A), target(B)
    assert store.sight() == (False, -math.inf)
    store.take([report(out, Reason.OK, started=90.0), report(ready, Reason.REFUSED, started=95.0)])
    assert store.sight() == (False, -math.inf)
    store.take([report(ready, Reason.OK, started=100.0)])
    store.take([report(ready, Reason.OK, started=99.0), report(ready, Reason.TIMEOUT, started=101.0)])
    assert store.sight() == (False, 100.0)
