"""A Service with one primary: an incumbent of which Mooring can know nothing."""

from __future__ import annotations

import pytest

from lab.values import THRESHOLDS
from mooring.model.events import HostChanged
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.verdicts import Verdict
from support.primary_claims import (
    PRIMARY,
    UNKNOWN,
    A,
    B,
    replica_of,
    start,
)


def test_an_incumbent_that_cannot_be_known_yields_to_a_lone_claim() -> None:
    """The host refuses our account: after ``failureThreshold`` refusals Mooring accepts the one other claim."""
    stage = start()
    for _ in range(THRESHOLDS.failure - 1):
        stage.round(a=UNKNOWN, b=PRIMARY, c=replica_of(B))
    assert stage.ready() == [A]
    for _ in range(THRESHOLDS.success):
        stage.round(a=UNKNOWN, b=PRIMARY, c=replica_of(B))
    assert stage.ready() == [B]
    moved = stage.events(HostChanged)[-2:]
    assert [(one.member.address, one.state.verdict) for one in moved if isinstance(one, HostChanged)] == [
        (A, Verdict.NOT_READY),
        (B, Verdict.READY),
    ]


@pytest.mark.parametrize(
    "reason",
    [one for one in Reason if MEANINGS[one].effect is Effect.UNKNOWN and one not in (Reason.AUTH, Reason.QUOTA)],
)
def test_an_incumbent_that_we_cannot_ask_yields_to_nobody(reason: Reason) -> None:
    """While a fault of ours makes the primary unknown, no claim of another host takes it out."""
    stage = start()
    for _ in range(3 * THRESHOLDS.failure):
        stage.round(a=Observation(reason), b=PRIMARY, c=replica_of(B))
    assert stage.ready() == [A]


def test_an_incumbent_to_which_we_do_not_send_the_password_yields_to_nobody() -> None:
    """The host asks for the password in a way that Mooring refuses: that is no refusal by the host."""
    stage = start()
    broken_off = Observation(Reason.AUTH, "it was not sent", cause="mysql:password-not-sent")
    for _ in range(3 * THRESHOLDS.failure):
        stage.round(a=broken_off, b=PRIMARY, c=replica_of(B))
    assert stage.ready() == [A]


def test_a_refused_account_is_counted_over_what_is_our_own_fault() -> None:
    """Faults of ours neither add to the refusals of an incumbent nor end them; an answer ends them."""
    stage = start()
    quota, local = Observation(Reason.QUOTA), Observation(Reason.LOCAL)
    for seen in (quota, local, quota, PRIMARY, quota, local, quota):
        stage.round(a=seen, b=PRIMARY, c=replica_of(B))
    assert stage.ready() == [A]
    for _ in range(THRESHOLDS.success):
        stage.round(a=quota, b=PRIMARY, c=replica_of(B))
    assert stage.ready() == [B]


def test_an_incumbent_that_cannot_be_known_stays_without_another() -> None:
    """An unknown primary stays while no other host claims."""
    stage = start()
    for _ in range(10):
        stage.round(a=UNKNOWN, b=replica_of(A), c=replica_of(A))
    assert stage.ready() == [A]
