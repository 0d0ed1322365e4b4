"""The store under held sessions: confirmations of a loss, and hosts that are saturated under a session that answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.health_stores import probe, service, store_of, verdicts
from lab.values import KEY, report, stored, target
from mooring.judge.store import HealthStore
from mooring.model.probes import Observation, Report
from mooring.model.reasons import Reason
from mooring.model.spec import ProbeTimings, ServiceKey, ServiceSpec, Thresholds, WhenSaturated
from mooring.model.verdicts import Verdict

READY, NOT_READY = Verdict.READY, Verdict.NOT_READY
A, B, C = "10.20.0.11", "10.20.0.12", "10.20.0.13"
OTHER = ServiceKey("default", "other")
KEEP, FAIL = WhenSaturated.KEEP, WhenSaturated.FAIL


def checked(spec: ServiceSpec, **fields: object) -> ServiceSpec:
    return replace(spec, check=replace(spec.check, **fields))  # type: ignore[arg-type]  # fields of a check


def edge(address: str, started: float, reason: Reason = Reason.REFUSED) -> Report:
    return replace(report(target(address), reason, started=started), edge=True)


def saturated(address: str, started: float, *, held: bool = True) -> Report:
    return replace(
        report(target(address), started=started), observation=Observation(Reason.SATURATED, "full", held=held)
    )


def test_the_terms_of_a_target_are_the_shortest_and_the_most_that_any_service_asks_for() -> None:
    """One target is probed for all who list it."""
    one = checked(service(A, B), edge=0.2, login=30.0, thresholds=Thresholds(2, 3))
    other = checked(service(A, key=OTHER, period=1.0), edge=0.5, login=10.0, thresholds=Thresholds(2, 5))
    timings = store_of(one, other).timings()
    assert timings == {
        target(A): ProbeTimings(period=1.0, edge=0.2, login=10.0, confirmations=5),
        target(B): ProbeTimings(period=2.0, edge=0.2, login=30.0, confirmations=3),
    }


def test_a_stated_login_interval_is_known_beside_a_shorter_default() -> None:
    """Where many hosts stretch the default, it still holds."""
    one = checked(service(A, B), login=30.0, login_is_default=False)
    other = checked(service(A, key=OTHER), login=10.0)
    found = store_of(one, other).timings()
    assert {
        each.address: (terms.login, terms.login_is_default, terms.login_stated) for each, terms in found.items()
    } == {
        A: (10.0, True, 30.0),
        B: (30.0, False, 30.0),
    }


def test_confirmations_take_a_host_out_at_once_and_publish_it() -> None:
    """Three refusals a twentieth of a second apart, where a period is two seconds."""
    store = store_of(service(A, B), of=stored((A, B)))
    probe(store, A, Reason.OK)
    changes = [store.take([edge(A, 1.0 + number * 0.05)]).changed for number in range(3)]
    assert changes == [frozenset(), frozenset(), {KEY}]
    assert verdicts(store) == {A: NOT_READY, B: READY}


def test_each_service_counts_confirmations_by_its_own_edge_and_threshold() -> None:
    """A Service with a higher threshold keeps the host."""
    hasty = checked(service(A), thresholds=Thresholds(2, 2))
    patient = checked(service(A, key=OTHER), edge=1.0)
    store = store_of(hasty, patient, of=stored((A,)))
    for number in range(4):
        store.take([edge(A, number * 0.05)])
    assert (verdicts(store), verdicts(store, OTHER)) == ({A: NOT_READY}, {A: READY})


def test_no_number_of_confirmations_makes_a_host_ready() -> None:
    """Successes count once a period, whatever they were asked for."""
    store = store_of(service(A), of=stored((), (A,)))
    for number in range(10):
        store.take([edge(A, number * 0.05, Reason.OK)])
    assert verdicts(store) == {A: NOT_READY}


# policy, is there another host, what the other is, is a session held -> the verdict after three saturated turns
SATURATED = [
    (KEEP, None, True, READY),
    (KEEP, None, False, NOT_READY),
    (KEEP, Reason.OK, True, NOT_READY),
    (KEEP, Reason.SATURATED, True, READY),
    (KEEP, Reason.REFUSED, True, READY),
    (FAIL, None, True, NOT_READY),
    (FAIL, Reason.SATURATED, True, NOT_READY),
]


@pytest.mark.parametrize(("policy", "other", "held", "verdict"), SATURATED)
def test_a_saturated_host_stays_unless_another_can_take_over_or_the_file_says_fail(
    policy: WhenSaturated, other: Reason | None, verdict: Verdict, *, held: bool
) -> None:
    """A saturated host stays only while its held session answers."""
    hosts = (A,) if other is None else (A, B)
    store = store_of(checked(service(*hosts), when_saturated=policy), of=stored(hosts))
    for turn in range(4):
        at = turn * 2.0
        if other is Reason.SATURATED:
            store.take([saturated(B, at)])
        elif other is not None:
            probe(store, B, other, at=at)
        if turn or other is not Reason.REFUSED:
            store.take([saturated(A, at + 0.5, held=held)])
    if other is Reason.REFUSED:
        assert verdicts(store)[B] is NOT_READY
    assert verdicts(store)[A] is verdict
    assert {
        state.outcome.reason for member, state in store.service(KEY).hosts if state.outcome and member.address == A
    } == {Reason.SATURATED}


def test_a_host_in_maintenance_takes_over_nothing() -> None:
    """No Service publishes it."""
    listed = checked(service(A, B), when_saturated=KEEP)
    hosts = tuple(replace(host, maintenance=host.address == B) for host in listed.hosts)
    store = store_of(replace(listed, hosts=hosts), of=stored((A, B)))
    for turn in range(4):
        probe(store, B, Reason.OK, at=turn * 2.0)
        store.take([saturated(A, turn * 2.0 + 0.5)])
    assert verdicts(store)[A] is READY


def test_a_saturated_streak_is_none_of_the_next_failures() -> None:
    """What stayed under a policy counts for nothing once the host really fails."""
    store: HealthStore = store_of(service(A), of=stored((A,)))
    for turn in range(5):
        store.take([saturated(A, turn * 2.0)])
    probe(store, A, Reason.REFUSED, Reason.REFUSED, at=10.0)
    assert verdicts(store) == {A: READY}
    probe(store, A, Reason.REFUSED, at=14.0)
    assert verdicts(store) == {A: NOT_READY}
