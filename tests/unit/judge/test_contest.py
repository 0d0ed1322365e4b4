"""A Service with one primary: which claim Mooring publishes at a start, in a switchover and in a conflict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.health_stores import kinds, place, store_of
from lab.values import KEY, THRESHOLDS, spec, stored, target
from mooring.model.events import SplitBrain, SplitBrainEnded
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import OnSplitBrain, Requirement, Thresholds
from support.primary_claims import (
    DEAD,
    GALERA,
    HOSTS,
    PERIOD,
    PRIMARY,
    READ_ONLY,
    UNKNOWN,
    A,
    B,
    C,
    Stage,
    replica_of,
    rw,
    start,
)


def test_the_one_host_that_claims_is_published() -> None:
    """At a first start no claim is accepted before each host was heard; then the one primary is ready at once."""
    stage = start(ready=())
    stage.round(a=PRIMARY, b=replica_of(A))
    assert (stage.ready(), stage.reason(A)) == ([], Reason.OK)
    taken = stage.hear(C, replica_of(A))
    assert target(A) in taken.probe_soon
    stage.hear(A, PRIMARY, expedited=True)
    assert stage.ready() == [A]
    assert stage.reason(B) is Reason.WRONG_ROLE


def test_a_planned_switchover_takes_no_second_period() -> None:
    """The old primary leaves at its own word; Mooring probes the new one at once, until its claim is accepted."""
    stage = start()
    stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    stage.now += PERIOD
    taken = stage.hear(A, READ_ONLY)
    assert kinds(taken) == ["HostChanged"]
    assert set(taken.probe_soon) == {target(A), target(B), target(C)}
    assert (set(taken.changed), set(taken.writer_grace_seconds)) == (set(), {KEY}), "a successor may save a write"
    assert stage.ready() == []
    assert stage.hear(B, PRIMARY).probe_soon == {target(B)}
    stage.now += 0.05
    assert stage.hear(B, PRIMARY, expedited=True).changed == {KEY}
    assert stage.ready() == [B]


def test_a_claim_that_is_heard_before_the_old_one_is_taken_back_is_no_alert() -> None:
    """Where Mooring hears the new primary first, it asks the old one again before it reports a split brain."""
    stage = start()
    stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    stage.now += PERIOD
    assert stage.hear(B, PRIMARY).probe_soon == {target(A)}
    stage.hear(A, READ_ONLY)
    for _ in range(THRESHOLDS.success):
        stage.now += 0.05
        stage.hear(B, PRIMARY, expedited=True)
    assert (stage.ready(), stage.events(SplitBrain)) == ([B], [])


def test_expedited_probes_count_only_an_edge_apart() -> None:
    """Probes less than ``edgeSeconds`` apart count once."""
    stage = start(replace(rw(), check=replace(rw().check, thresholds=Thresholds(3, 3))))
    stage.round(a=READ_ONLY, c=READ_ONLY, b=PRIMARY)
    stage.hear(B, PRIMARY, expedited=True)
    for _ in range(5):
        stage.now += 0.01
        stage.hear(B, PRIMARY, expedited=True)
    assert stage.ready() == []
    stage.now += 0.05
    stage.hear(B, PRIMARY, expedited=True)
    assert stage.ready() == [B]


def test_an_early_failure_takes_no_host_out_early() -> None:
    """A probe before its turn counts for a claim only; failures count once in a period."""
    stage = start()
    stage.round(a=PRIMARY)
    for _ in range(5):
        stage.now += 0.1
        stage.hear(A, DEAD, expedited=True)
    assert stage.ready() == [A]


def test_a_second_writer_stays_out_and_is_reported() -> None:
    """The incumbent stays, the other is `second-writer`, and the alert is raised once and taken back once."""
    stage = start()
    for _ in range(4):
        stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert (stage.ready(), stage.reason(B)) == ([A], Reason.SECOND_WRITER)
    assert [reason for _, reason in stage.taken[-2].judged] == [Reason.SECOND_WRITER], "what the metrics count"
    assert stage.events(SplitBrain) == [SplitBrain(KEY, (A, B))]
    assert stage.store.snapshot()[0].split
    stage.round(a=PRIMARY, b=READ_ONLY)
    assert stage.events(SplitBrainEnded) == [SplitBrainEnded(KEY)]
    assert not stage.store.snapshot()[0].split


def test_a_service_that_asks_for_no_primary_any_more_has_no_conflict() -> None:
    """A changed file takes the role away while two hosts claim to be it: the alert ends with that."""
    stage = start()
    for _ in range(3):
        stage.round(a=PRIMARY, b=PRIMARY)
    assert stage.store.service(KEY).split
    plain = rw()
    place(stage.store, replace(plain, check=replace(plain.check, requirement=Requirement())))
    assert not stage.store.service(KEY).split


def test_without_an_incumbent_two_claims_publish_nobody() -> None:
    """Two hosts claim to be the primary and no stored object names one: Mooring publishes neither."""
    stage = start(ready=())
    for _ in range(4):
        stage.round(a=PRIMARY, b=PRIMARY, c=DEAD)
    assert stage.ready() == []
    assert {stage.reason(A), stage.reason(B)} == {Reason.SECOND_WRITER}
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=PRIMARY, b=READ_ONLY, c=DEAD)
    assert stage.ready() == [A]


def test_publish_none_takes_the_incumbent_out_too() -> None:
    """With `onSplitBrain: publishNone` a split brain leaves no ready host."""
    stage = start(rw(policy=OnSplitBrain.PUBLISH_NONE))
    stage.round(a=PRIMARY, b=PRIMARY)
    stage.round(a=PRIMARY, b=PRIMARY)
    assert stage.ready() == []
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=PRIMARY, b=READ_ONLY, c=READ_ONLY)
    assert stage.ready() == [A]


def test_a_promotion_waits_until_the_dead_primary_has_fallen() -> None:
    """A replica that is promoted early is no second writer beside a primary that does not answer any more."""
    stage = start()
    stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    stage.round(a=DEAD, b=PRIMARY)
    assert (stage.ready(), stage.events(SplitBrain)) == ([A], [])
    stage.round(a=DEAD, b=PRIMARY)
    stage.round(a=DEAD, b=PRIMARY)
    stage.now += 0.05
    stage.hear(B, PRIMARY, expedited=True)
    assert (stage.ready(), stage.events(SplitBrain)) == ([B], [])


def test_where_several_may_write_the_first_of_the_file_does() -> None:
    """Galera: the others stand by without an alert; when the writer falls, the next takes over."""
    stage = start(ready=())
    stage.round(c=GALERA, b=GALERA, a=GALERA)
    stage.round(c=GALERA, b=GALERA, a=GALERA)
    assert stage.ready() == [A]
    assert (stage.reason(B), stage.reason(C)) == (Reason.WRONG_ROLE, Reason.WRONG_ROLE)
    for _ in range(THRESHOLDS.failure):
        stage.round(a=DEAD, b=GALERA, c=GALERA)
    for _ in range(THRESHOLDS.success):
        stage.round(a=DEAD, c=GALERA, b=GALERA)
    assert stage.ready() == [B]
    for _ in range(5):
        stage.round(a=GALERA, b=GALERA, c=GALERA)
    assert stage.ready() == [B]
    assert stage.events(SplitBrain) == []


def test_a_primary_in_maintenance_keeps_no_other_out() -> None:
    """Mooring cannot end its role: it publishes another primary, and reports the split brain."""
    listed = rw()
    stage = start(listed)
    stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    first, *others = listed.hosts
    place(stage.store, replace(listed, hosts=(replace(first, maintenance=True), *others)))
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert stage.ready() == [B]
    assert stage.events(SplitBrain) == [SplitBrain(KEY, (A, B))]
    place(stage.store, listed)
    stage.round(a=PRIMARY, b=PRIMARY)
    assert stage.ready() == [B]


@pytest.mark.parametrize("ready", [(), (A, B)], ids=["none", "two"])
def test_a_start_believes_a_stored_primary_only_where_it_is_one(ready: tuple[str, ...]) -> None:
    """An object with two ready addresses names no primary, so Mooring takes none over from it."""
    assert start(ready=ready).ready() == []
    assert start(ready=(A,)).ready() == [A]


def test_a_service_that_becomes_one_of_primaries_keeps_no_two() -> None:
    """A changed file that asks for primaries, over hosts that were all ready."""
    plain = spec(*HOSTS)
    store = store_of(plain, of=stored(HOSTS))
    place(store, rw())
    stage = Stage(store)
    assert stage.ready() == []
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    assert stage.ready() == [A]


SAID = st.sampled_from([PRIMARY, PRIMARY, READ_ONLY, replica_of(A), replica_of(B), DEAD, UNKNOWN, GALERA])


@settings(max_examples=300, deadline=None)
@given(
    ready=st.sampled_from([(), (A,), (A, B)]),
    policy=st.sampled_from(OnSplitBrain),
    steps=st.lists(st.tuples(st.sampled_from(HOSTS), SAID, st.booleans(), st.floats(0.01, 3.0)), max_size=60),
)
def test_never_two_and_never_one_that_says_otherwise(
    ready: tuple[str, ...],
    policy: OnSplitBrain,
    steps: list[tuple[str, Observation, bool, float]],
) -> None:
    """Whatever hosts report in whatever order: at most one is ready, never one that last reported another role."""
    stage = start(rw(policy=policy), ready)
    for address, seen, expedited, seconds in steps:
        stage.now += seconds
        stage.hear(address, seen, expedited=expedited)
        if seen.facts is not None and seen.facts.read_only:
            assert address not in stage.ready()
