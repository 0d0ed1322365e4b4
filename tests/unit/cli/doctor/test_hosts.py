"""The group `hosts`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import member, spec, with_check, with_host
from mooring.cli.doctor.finding import Finding, Level
from mooring.cli.doctor.hosts import MENDS, OTHER_ROLE, WHYS, findings
from mooring.judge.view import ServiceView
from mooring.model.probes import Observation
from mooring.model.reasons import Effect, Reason
from mooring.model.spec import HostSpec, Requirement, Role
from mooring.model.targets import Member, Target
from mooring.model.verdicts import HostState, Outcome

ONE, TWO = member("10.20.0.11"), member("10.20.0.12")
ROLES = {*OTHER_ROLE, Reason.SECOND_WRITER}


def look(*hosts: tuple[Member, Reason], seen: Observation | None = None, **fields: object) -> list[Finding]:
    view = tuple((of, HostState(outcome=Outcome(reason, "said so"))) for of, reason in hosts)
    base = spec("10.20.0.11", "10.20.0.12")
    asks = replace(base, check=replace(base.check, requirement=Requirement(Role.PRIMARY)))
    answers: dict[Target, Observation] = {hosts[0][0].target: seen} if hosts and seen else {}
    return findings([ServiceView(asks, view, seeded=True, **{"unresolved": (), **fields})], answers)  # type: ignore[arg-type]  # fields by name


def test_hosts_that_answer_have_no_findings() -> None:
    """Nor has one that stands by for another, or is out on purpose."""
    assert look((ONE, Reason.OK), (TWO, Reason.OK)) == []
    assert look((ONE, Reason.OK), (TWO, Reason.WRONG_ROLE)) == []
    out = with_host(TWO, maintenance=True)
    assert look((ONE, Reason.OK), (out, Reason.REFUSED)) == []
    assert look((out, Reason.WRONG_ROLE)) == []


@pytest.mark.parametrize("reason", sorted({*Reason} - ROLES - {Reason.OK}))
def test_every_reason_is_one_finding(reason: Reason) -> None:
    """With the host, where it was asked, what it said, and what to do."""
    (found,) = look((ONE, reason), (TWO, Reason.OK))
    assert found.what == f"default/mysql-external: 10.20.0.11 (10.20.0.11:3306): {reason}: said so"
    assert found.mend
    assert "{" not in found.mend
    assert found.level is Level.PROBLEM


@pytest.mark.parametrize("reason", sorted({*Reason} - ROLES - {Reason.OK}))
def test_what_all_hosts_have_is_one_finding(reason: Reason) -> None:
    """As a password that the file has wrong for all of them."""
    (found,) = look((ONE, reason), (TWO, reason))
    both = "10.20.0.11 (10.20.0.11:3306), 10.20.0.12 (10.20.0.12:3306)"
    assert found.what == f"default/mysql-external: {both}: {reason}: said so"


def test_every_reason_has_what_mends_it() -> None:
    """Also those to come."""
    assert set(MENDS) == {*Reason}
    assert set(WHYS) == {*Effect}


@pytest.mark.parametrize("reason", sorted(OTHER_ROLE))
def test_a_service_whose_role_no_host_has_is_one_finding(reason: Reason) -> None:
    """Whichever hosts say so: the fault is that of the Service."""
    (found,) = look((ONE, reason), (TWO, Reason.READ_ONLY))
    assert "no host has the role primary: 10.20.0.11 said so; 10.20.0.12 said so" in found.what


def test_two_writers_are_one_finding() -> None:
    """It names them."""
    (found,) = look((ONE, Reason.SECOND_WRITER), (TWO, Reason.SECOND_WRITER))
    assert "among them 10.20.0.11, 10.20.0.12" in found.what
    assert len(look((ONE, Reason.SECOND_WRITER), (TWO, Reason.OK))) == 1


def test_a_login_that_may_fail_one_day_is_a_warning() -> None:
    """As a certificate that expires next week."""
    (found,) = look((ONE, Reason.OK), seen=Observation(Reason.OK, caution="the server's certificate expires soon"))
    assert "expires soon" in found.what
    assert found.level is Level.WARNING


def test_a_name_without_an_address_is_one_finding() -> None:
    """With why; one in maintenance is none."""
    named = HostSpec("db3", "db3.example.com")
    (found,) = look((ONE, Reason.OK), unresolved=(named,), name_problems=(("db3.example.com", "no such name"),))
    assert found.what == "default/mysql-external: db3: dns: no such name"
    assert "getent ahosts db3.example.com" in found.mend
    assert look(unresolved=(replace(named, maintenance=True),)) == []


def test_an_address_that_may_not_be_published_is_one_finding() -> None:
    """The setting that forbids it is named."""
    (found,) = look(unresolved=(HostSpec("db3", "10.99.0.1"),))
    assert "--allowed-cidrs" in found.mend


def test_a_check_of_its_own_decides_nothing_here() -> None:
    """A host is shown as it is judged, whatever else the Service asks."""
    assert look((with_check(ONE, expect="1"), Reason.OK)) == []
