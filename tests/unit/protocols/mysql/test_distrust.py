"""Which handshakes are not tried again."""

from __future__ import annotations

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.mysql.distrust import AGAIN_SECONDS, Distrust
from mooring.protocols.transport.failure import Failure

EXPIRED = Failure(Reason.TLS, "certificate: certificate has expired", "tls:certificate 10")
HERE, THERE = ("10.20.0.11", 3306), ("10.20.0.12", 3306)


@pytest.fixture
def distrust() -> Distrust:
    """At ``HERE`` a certificate has failed."""
    one = Distrust()
    one.note(HERE, EXPIRED, 0.0)
    return one


def test_a_certificate_that_failed_is_not_offered_another_handshake(distrust: Distrust) -> None:
    """The outcome stays the same, for this server only."""
    known = distrust.failure(HERE, 60.0)
    assert known
    assert (known.reason, known.message, known.cause) == (EXPIRED.reason, EXPIRED.message, EXPIRED.cause)
    assert distrust.failure(THERE, 60.0) is None


def test_the_handshake_is_tried_again_after_an_hour(distrust: Distrust) -> None:
    """Not all that may change shows in the certificate itself."""
    assert distrust.failure(HERE, AGAIN_SECONDS - 1)
    assert distrust.failure(HERE, AGAIN_SECONDS) is None


def test_another_certificate_is_worth_a_try(distrust: Distrust) -> None:
    """The same one is not, however often Mooring looks."""
    for _ in range(3):
        distrust.look(HERE, b"old")
        assert distrust.failure(HERE, 60.0)
    distrust.look(HERE, b"new")
    assert distrust.failure(HERE, 60.0) is None


def test_other_faults_of_tls_are_tried_each_time() -> None:
    """Only a certificate can be looked at."""
    one = Distrust()
    one.note(HERE, Failure(Reason.TLS, "offers no TLS", "tls:not offered"), 0.0)
    assert one.failure(HERE, 1.0) is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes first."""
    monkeypatch.setattr("mooring.protocols.mysql.distrust._MOST", 2)
    one = Distrust()
    for number in range(3):
        one.note(number, EXPIRED, 0.0)
    assert [bool(one.failure(number, 1.0)) for number in range(3)] == [False, True, True]
