"""A Service with one primary: whom a quorum of Sentinels names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.health_stores import states, store_of
from lab.values import THRESHOLDS, report, target
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceSpec
from support.primary_claims import (
    HOSTS,
    PERIOD,
    PRIMARY,
    A,
    B,
    Stage,
    replica_of,
    rw,
    start,
)


def mapped() -> ServiceSpec:
    """Hosts that are probed at another port than they are published with."""
    plain = rw(quorum=3)
    return replace(plain, hosts=tuple(replace(one, name=f"db-{one.address}", probe_port=13306) for one in plain.hosts))


@pytest.mark.parametrize("name", [f"{A}:3306", f"{A}:13306", f"db-{A}:3306", f"db-{A}:13306"])
def test_a_quorum_may_name_a_host_by_either_name_and_either_port(name: str) -> None:
    """Behind a mapped port a Sentinel knows the host by what is published, or by what is probed."""
    store = store_of(mapped(), of=None)
    stage = Stage(store)
    stage.vote(name, name, None)
    for _ in range(3):
        stage.now += PERIOD
        for address, seen in ((B, replica_of(A)), (A, PRIMARY)):
            made = replace(report(target(address, port=13306), started=stage.now), observation=seen)
            store.take([made])
    assert stage.ready() == [A]


def test_a_quorum_that_names_a_stranger_is_quoted() -> None:
    """The message shows the name that no host of the Service has."""
    stage = start(rw(quorum=3))
    stage.vote(*["10.99.0.1:6379"] * 3)
    stage.round(a=PRIMARY)
    outcome = states(stage.store)[A].outcome
    assert outcome
    assert "but the Sentinels name 10.99.0.1:6379, a name that no host of the Service has" in outcome.message


def test_a_claim_that_waits_settles_as_an_unknown_outcome_does() -> None:
    """A one-shot command ends without a majority, and shows which host is undecided."""
    stage = start(rw(quorum=3), ready=())
    for turn in range(THRESHOLDS.failure):
        assert stage.store.settled() is False, turn
        stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    assert stage.store.settled()
    assert [one.address for one, _ in stage.store.undecided()] == [A]
    stage.vote(*[f"{A}:3306"] * 3)
    stage.round(a=PRIMARY)
    assert stage.store.undecided() == ()


def test_the_majority_of_sentinels_makes_a_primary() -> None:
    """A restarted node that claims to be the master is not ready until two of three Sentinels name it; then it is."""
    stage = start(rw(quorum=3), ready=())
    stage.vote(f"{A}:3306", None, None)
    for _ in range(4):
        stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert stage.ready() == []
    stage.vote(f"{A}:3306", f"{A}:3306", f"{B}:3306")
    stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert (stage.ready(), stage.reason(B)) == ([A], Reason.WRONG_ROLE)


def test_a_primary_that_the_sentinels_no_longer_name_leaves() -> None:
    """A primary that was cut off from its Sentinels still calls itself so: their majority decides."""
    stage = start(rw(quorum=3))
    stage.vote(*[f"{A}:3306"] * 3)
    stage.round(a=PRIMARY, b=replica_of(A))
    assert stage.vote(*[f"{B}:3306"] * 2, f"{A}:3306") == {target(one) for one in HOSTS}
    assert stage.vote(*[f"{B}:3306"] * 3) == set()
    stage.round(a=PRIMARY, b=PRIMARY)
    assert (stage.ready(), stage.reason(A)) == ([], Reason.WRONG_ROLE)
    stage.round(a=PRIMARY, b=PRIMARY)
    assert stage.ready() == [B]


def test_without_a_majority_the_primary_stays() -> None:
    """Sentinels that cannot be asked take no traffic away."""
    stage = start(rw(quorum=3))
    stage.vote(*[f"{A}:3306"] * 3)
    stage.round(a=PRIMARY)
    stage.vote(None, None, f"{A}:3306")
    for _ in range(5):
        stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert stage.ready() == [A]
