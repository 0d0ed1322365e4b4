"""Logins that work now and may not work later."""

from __future__ import annotations

from dataclasses import replace

from lab.values import report, target
from mooring.judge.cautions import AGAIN_SECONDS, Cautions
from mooring.model.events import LoginAtRisk
from mooring.model.probes import Observation, Report
from mooring.model.reasons import Reason

A, B = target("10.20.0.11"), target("10.20.0.12")
RISK = Observation(Reason.OK, caution="by its cache alone")


def _said(address: str, seconds: float, seen: Observation = RISK) -> Report:
    return replace(report(target(address), started=seconds), observation=seen, started=seconds, ended=seconds)


def test_it_is_reported_at_once_and_then_each_day() -> None:
    """Each host is reported once a day, however often it is probed."""
    cautions = Cautions()
    assert list(cautions.take([_said("10.20.0.11", 1.0), _said("10.20.0.11", 2.0)])) == [LoginAtRisk(A, RISK.caution)]
    assert list(cautions.take([_said("10.20.0.12", 3.0)])) == [LoginAtRisk(B, RISK.caution)]
    assert list(cautions.take([_said("10.20.0.11", AGAIN_SECONDS)])) == []
    assert list(cautions.take([_said("10.20.0.11", AGAIN_SECONDS + 1.0)])) == [LoginAtRisk(A, RISK.caution)]


def test_a_sound_login_is_not_reported() -> None:
    """A login without a caution is never reported."""
    assert list(Cautions().take([_said("10.20.0.11", 1.0, Observation(Reason.OK))])) == []


def test_a_login_that_was_sound_in_between_is_reported_again() -> None:
    """A password that is refused again on the same day is news again."""
    cautions = Cautions()
    assert list(cautions.take([_said("10.20.0.11", 1.0)])) == [LoginAtRisk(A, RISK.caution)]
    assert list(cautions.take([_said("10.20.0.11", 2.0, Observation(Reason.OK))])) == []
    assert list(cautions.take([_said("10.20.0.11", 3.0)])) == [LoginAtRisk(A, RISK.caution)]


def test_a_host_that_fails_in_between_is_not_reported_again() -> None:
    """A host that comes and goes does not repeat its warning with each return."""
    cautions = Cautions()
    assert list(cautions.take([_said("10.20.0.11", 1.0)])) == [LoginAtRisk(A, RISK.caution)]
    assert list(cautions.take([_said("10.20.0.11", 2.0, Observation(Reason.TIMEOUT))])) == []
    assert list(cautions.take([_said("10.20.0.11", 3.0)])) == []
