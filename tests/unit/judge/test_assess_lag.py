"""assess: how far a replica may be behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import THRESHOLDS
from mooring.judge.verdict import judge
from mooring.model.facts import Facts
from mooring.model.reasons import Reason
from mooring.model.spec import Requirement, Role
from mooring.model.verdicts import Judgement, Verdict
from support.role_answers import DB2, ELSEWHERE, GR, REDIS, REPLICA, RO, following, group, judged, of, told

LAG = Requirement(Role.REPLICA, lag_seconds=30)
OUT = Judgement(Verdict.NOT_READY, fault=Reason.LAGGING)


@pytest.mark.parametrize(
    ("lag", "state", "expected"),
    [
        (0.0, None, "ok"),
        (30.0, None, "ok"),
        (30.01, None, f"lagging is 30.01 s behind {DB2}; 30 s are allowed"),
        (31.0, Judgement(Verdict.READY), f"lagging is 31 s behind {DB2}; 30 s are allowed"),
        (1234567.0, None, f"lagging is 1234567 s behind {DB2}; 30 s are allowed"),
        (24.0, OUT, "ok"),
        (24.5, OUT, f"lagging is 24.5 s behind {DB2}; 24 s are allowed, to come back"),
        (30.0, replace(OUT, streak=1), "lagging *"),
        (30.0, replace(OUT, verdict=Verdict.READY), "ok"),
        (30.0, replace(OUT, fault=Reason.REFUSED), "ok"),
        (30.0, replace(OUT, fault=Reason.NOT_REPLICATING), "lagging *"),
        (30.0, Judgement(), "ok"),
        (None, None, f"not-replicating does not report its lag behind {DB2}"),
        (None, OUT, "not-replicating *"),
    ],
)
def test_a_replica_goes_beyond_its_limit_and_comes_back_well_within(
    lag: float | None, state: Judgement | None, expected: str
) -> None:
    """A replica leaves above the limit and comes back at 80 % of it; an unknown lag counts as stopped replication."""
    assert told(judged(following(lag=lag), LAG, state=state), expected) == expected


def test_without_a_limit_no_lag_is_too_much() -> None:
    """Without a limit an unknown lag does not matter while both threads run."""
    assert judged(following(lag=1e9), REPLICA).reason is Reason.OK
    assert judged(following(lag=None), REPLICA).reason is Reason.OK


def test_the_channel_that_lags_most_counts() -> None:
    """A replica of two sources serves what both have written."""
    both = Facts(read_only=RO, channels=(of(lag=1.0), of(ELSEWHERE, lag=31.0)))
    assert judged(both, LAG).message == f"is 31 s behind {ELSEWHERE}; 30 s are allowed"


@pytest.mark.parametrize("lag", [0.0, 31.0, None])
def test_a_group_has_no_lag(lag: float | None) -> None:
    """Its own words say whether a member keeps up."""
    member_of = replace(group(GR, "ONLINE, SECONDARY", writer=False, ro=RO), channels=(of(lag=lag),))
    assert judged(member_of, LAG).reason is Reason.OK


def test_a_lagging_replica_does_not_flap() -> None:
    """A lag that swings around the limit takes the host out once, and never back."""
    held = Judgement(Verdict.READY)
    verdicts = []
    for lag in (29.0, 31.0, 31.0, 31.0, *(29.0, 31.0, 25.0, 30.0) * 5, 24.0, 20.0):
        outcome = judged(following(lag=lag), LAG, state=held)
        held, _ = judge(held, outcome, THRESHOLDS, 0.0)
        verdicts.append(held.verdict)
    first = verdicts.index(Verdict.NOT_READY)
    assert set(verdicts[:first]) == {Verdict.READY}
    assert set(verdicts[first:-1]) == {Verdict.NOT_READY}
    assert verdicts[-1] is Verdict.READY


BYTES = Requirement(Role.REPLICA, lag_bytes=1000)


@pytest.mark.parametrize(
    ("theirs", "mine", "state", "expected"),
    [
        (5000, 5000, None, "ok"),
        (5000, 4000, None, "ok"),
        (5000, 3999, None, f"lagging is 1001 bytes behind {DB2}; 1000 are allowed"),
        (5000, 4200, OUT, "ok"),
        (5000, 4199, OUT, f"lagging is 801 bytes behind {DB2}; 800 are allowed, to come back"),
        (5000, 6000, None, "ok"),
        (None, 1, None, "ok"),
        (5000, None, None, "ok"),
    ],
)
def test_a_redis_replica_may_lack_so_many_bytes(
    theirs: int | None, mine: int | None, state: Judgement | None, expected: str
) -> None:
    """The lag in bytes is the difference of both offsets; without a probe of the primary the limit has no effect."""
    offsets = {ELSEWHERE: 99999} if theirs is None else {DB2: theirs}
    replica = replace(following(read_only=REDIS), offset=mine)
    assert told(judged(replica, BYTES, state=state, offset_of=offsets.get), expected) == expected


def test_both_limits_hold() -> None:
    """A replica must be within both limits."""
    wanted = Requirement(Role.REPLICA, lag_seconds=30, lag_bytes=1000)
    for lag, offset, reason in ((0.0, 0, Reason.LAGGING), (31.0, 5000, Reason.LAGGING), (0.0, 5000, Reason.OK)):
        assert judged(replace(following(lag=lag), offset=offset), wanted, offset_of={DB2: 5000}.get).reason is reason
