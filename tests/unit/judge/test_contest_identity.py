"""A Service with one primary: former primaries, and several addresses of one server."""

from __future__ import annotations

import pytest

from lab.values import KEY, THRESHOLDS
from mooring.model.events import SplitBrain
from mooring.model.reasons import Reason
from support.primary_claims import (
    DEAD,
    A,
    B,
    replica_of,
    server,
    start,
    written,
)


@pytest.mark.parametrize(
    ("returning", "published"),
    [
        pytest.param({"a": 107}, [], id="without-anything-of-the-new-primary"),
        pytest.param({"a": 105, "b": 3}, [A], id="after-it-followed-the-new-one"),
    ],
)
def test_a_former_primary_that_missed_writes_stays_out(returning: dict[str, int], published: list[str]) -> None:
    """Even if no other host is left: its data lack what was written meanwhile."""
    stage = start()
    stage.round(a=written(a=105), b=replica_of(A), c=replica_of(A))
    for _ in range(THRESHOLDS.failure):
        stage.round(a=DEAD, b=replica_of(A))
    for _ in range(THRESHOLDS.success):
        stage.round(a=DEAD, b=written(a=105, b=1))
    stage.round(a=DEAD, b=written(a=105, b=7))
    assert stage.ready() == [B]
    for _ in range(THRESHOLDS.failure):
        stage.round(a=DEAD, b=DEAD)
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=written(**returning), b=DEAD)
    assert stage.ready() == published


def test_of_two_claims_the_one_that_is_proven_stale_is_no_rival() -> None:
    """The primary that was written to last comes back beside a former one that has nothing of that: it is published."""
    stage = start()
    stage.round(a=written(a=105), b=replica_of(A), c=replica_of(A))
    for _ in range(THRESHOLDS.failure):
        stage.round(a=DEAD, b=replica_of(A), c=replica_of(A))
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=DEAD, b=written(a=105, b=7), c=replica_of(B))
    stage.round(a=written(a=107), b=written(a=105, b=8), c=replica_of(B))
    assert stage.ready() == [B]
    for _ in range(THRESHOLDS.failure + 1):
        stage.round(a=written(a=107), b=DEAD, c=replica_of(B))
    assert (stage.ready(), stage.reason(A)) == ([], Reason.SECOND_WRITER)
    for _ in range(THRESHOLDS.success):
        stage.round(a=written(a=108), b=written(a=105, b=8), c=replica_of(B))
    assert (stage.ready(), stage.reason(A)) == ([B], Reason.SECOND_WRITER)
    assert stage.events(SplitBrain), "two hosts claim to be the primary all the same"


def test_two_addresses_of_one_server_are_one_primary() -> None:
    """A virtual address beside the host's own: the first of the file is published, and nobody is alarmed."""
    stage = start(ready=())
    for turn in range(4):
        stage.round(b=server("uuid-1", a=turn), a=server("uuid-1", a=turn), c=replica_of(A))
    assert (stage.ready(), stage.reason(B)) == ([A], Reason.WRONG_ROLE)
    assert stage.events(SplitBrain) == []


def test_the_other_address_of_a_primary_takes_over_where_the_first_falls() -> None:
    """It gives the writes back only when it fails itself."""
    stage = start()
    one = server("uuid-1")
    stage.round(a=one, b=one, c=replica_of(A))
    for _ in range(THRESHOLDS.failure):
        stage.round(a=DEAD, b=one, c=replica_of(A))
    for _ in range(THRESHOLDS.success):
        stage.round(a=DEAD, b=one, c=replica_of(A))
    assert stage.ready() == [B]
    for _ in range(5):
        stage.round(a=one, b=one, c=replica_of(A))
    assert (stage.ready(), stage.reason(A), stage.events(SplitBrain)) == ([B], Reason.WRONG_ROLE, [])


def test_a_virtual_address_that_moves_to_another_primary_is_a_conflict() -> None:
    """From then on the two addresses lead to two servers, and both call themselves primary."""
    stage = start()
    stage.round(a=server("uuid-1"), b=server("uuid-1"))
    for _ in range(2):
        stage.round(a=server("uuid-1"), b=server("uuid-2"))
    assert stage.events(SplitBrain) == [SplitBrain(KEY, (A, B))]


def test_two_servers_with_one_identity_by_mistake_are_still_two() -> None:
    """A cloned server keeps the identity of the first, but what one has written the other lacks."""
    stage = start()
    for turn in range(3):
        stage.round(a=server("uuid-1", a=100 + turn), b=server("uuid-1", a=5))
    assert (stage.ready(), stage.reason(B)) == ([A], Reason.SECOND_WRITER)
    assert stage.events(SplitBrain) == [SplitBrain(KEY, (A, B))]


@pytest.mark.parametrize(("history", "alarmed"), [({}, True), ({"0-1": 7}, False)])
def test_a_number_alone_proves_no_identity(history: dict[str, int], *, alarmed: bool) -> None:
    """Every MariaDB calls itself 1 until somebody says otherwise; with the same history it is the same server."""
    stage = start()
    for _ in range(3):
        stage.round(a=server("1", **history), b=server("1", **history))
    assert (stage.ready(), bool(stage.events(SplitBrain))) == ([A], alarmed)
