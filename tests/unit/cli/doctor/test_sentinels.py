"""The group `sentinels`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import spec
from mooring.cli.doctor.finding import Level
from mooring.cli.doctor.sentinels import findings, targets
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import PrimaryQuorum, ServiceKey
from mooring.protocols.tcp.options import TcpOptions

QUORUM = PrimaryQuorum("redis", TcpOptions(), tuple((f"10.20.0.3{n}", 26379) for n in (1, 2, 3)), "the Sentinels")
BASE = spec("10.20.0.21", "10.20.0.22")
SESSIONS = replace(BASE, check=replace(BASE.check, quorum=QUORUM))
NAMES_A, NAMES_B = (Observation(Reason.OK, answer=f"10.20.0.2{n}:6379") for n in (1, 2))
KNOWS_NONE = Observation(Reason.OK, "knows no primary mymaster")
DEAD = Observation(Reason.REFUSED, "connection refused")
FORBIDDEN = Observation(Reason.AUTH, "NOPERM")


def look(*answers: Observation) -> list[tuple[str, Level]]:
    found = findings([SESSIONS], dict(zip(targets(SESSIONS, QUORUM), answers, strict=True)))
    return [(one.what, one.level) for one in found]


def test_where_all_name_the_same_host_nothing_is_found() -> None:
    """Nor where nobody is to be asked, or was asked: the group `secrets` has the cause."""
    assert look(NAMES_A, NAMES_A, NAMES_A) == []
    assert findings([BASE], {}) == []
    assert findings([SESSIONS], {}) == []


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (DEAD, "refused: connection refused"),
        (FORBIDDEN, "auth: NOPERM"),
        (KNOWS_NONE, ": knows no primary mymaster"),
        (Observation(Reason.TIMEOUT), "timeout: no whole answer"),
    ],
    ids=["dead", "forbidden", "unknown-name", "silent"],
)
def test_one_that_names_nobody_is_one_finding(answer: Observation, what: str) -> None:
    """A warning while the others are the majority."""
    ((shown, level),) = look(NAMES_A, answer, NAMES_A)
    assert shown.startswith("default/mysql-external: the Sentinel 10.20.0.32:26379: ")
    assert what in shown
    assert level is Level.WARNING


def test_without_a_majority_it_is_a_problem() -> None:
    """One, which names each that names nobody for the same cause."""
    ((shown, level),) = look(NAMES_A, DEAD, DEAD)
    two, three = (f"the Sentinel 10.20.0.3{n}:26379" for n in (2, 3))
    assert shown == f"default/mysql-external: {two}, {three}: refused: connection refused"
    assert level is Level.PROBLEM


def test_sentinels_of_two_services_that_fail_are_one_finding() -> None:
    """They elect the primaries of both."""
    other = replace(SESSIONS, key=ServiceKey("default", "carts"))
    answers = dict(zip(targets(SESSIONS, QUORUM), [DEAD] * 3, strict=True))
    (found,) = findings([SESSIONS, other], answers)
    assert found.what.startswith("default/mysql-external, default/carts: the Sentinel 10.20.0.31:26379, ")


def test_sentinels_that_disagree_are_one_finding() -> None:
    """With what they say."""
    ((shown, level),) = look(NAMES_A, NAMES_B, Observation(Reason.OK, answer="10.20.0.23:6379"))
    assert "1 name 10.20.0.21:6379, 1 name 10.20.0.22:6379" in shown
    assert level is Level.PROBLEM
    assert look(NAMES_A, NAMES_B, NAMES_A) == []
