"""assess: what one Service makes of an observation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ground import values
from mooring.decide import assess as decide
from mooring.facts import Channel, Facts
from mooring.model import Observation, Outcome
from mooring.reasons import Effect, Reason
from mooring.spec import Requirement, Role


def assess(seen: Observation, expect: str | None, role: Role = Role.ANY) -> Outcome:
    return decide.assess(seen, replace(values.member(), expect=expect, requirement=Requirement(role)))


@pytest.mark.parametrize("reason", list(Reason))
def test_without_an_expected_answer_the_observation_stands(reason: Reason) -> None:
    """What a probe saw is what its outcome says, word for word."""
    assert assess(Observation(reason, "why", answer="1"), None) == Outcome(reason, "why")


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.OK])
def test_a_failed_probe_keeps_its_own_reason(reason: Reason) -> None:
    """A host that could not be asked is never reported as one that answered wrongly."""
    assert assess(Observation(reason, "why"), "0") == Outcome(reason, "why")


def test_the_expected_answer_is_success() -> None:
    """The answer that the file expects lets the host pass."""
    assert assess(Observation(Reason.OK, answer="0"), "0") == Outcome(Reason.OK)


@pytest.mark.parametrize(
    ("answer", "expect", "message"),
    [
        pytest.param("1", "0", "answered '1', expected '0'", id="another"),
        pytest.param("", "0", "answered '', expected '0'", id="empty"),
        pytest.param("0 ", "0", "answered '0 ', expected '0'", id="nearly"),
        pytest.param(None, "0", "gave no answer, expected '0'", id="none"),
        pytest.param("a\nb\x1b[2J", "ü", r"answered 'a\nb\x1b[2J', expected '\xfc'", id="escaped"),
    ],
)
def test_another_answer_is_offline_and_shows_both(answer: str | None, expect: str, message: str) -> None:
    """A wrong answer takes the host out and says what came and what should have come, safe for any terminal."""
    assert assess(Observation(Reason.OK, answer=answer), expect) == Outcome(Reason.OFFLINE, message)


def test_a_message_stays_short() -> None:
    """However long the answers are, the message fits into 256 bytes."""
    outcome = assess(Observation(Reason.OK, answer="\U0001f409" * 5000), "\U0001f40a" * 1024)
    assert len(outcome.message.encode()) == 256


REPLICA = Facts(read_only="role:slave", channels=(Channel("10.20.0.12:6379", receiving=False),))
PRIMARY = Facts()
OUT = Facts(offline="cluster_state:fail")


@pytest.mark.parametrize(
    ("facts", "role", "message"),
    [
        (REPLICA, Role.PRIMARY, "is a replica of 10.20.0.12:6379"),
        (replace(REPLICA, offline="cluster_state:fail"), Role.PRIMARY, "is a replica of 10.20.0.12:6379"),
        (PRIMARY, Role.REPLICA, "takes writes, and replicates from nobody"),
        (replace(PRIMARY, offline="cluster_state:fail"), Role.REPLICA, "takes writes, and replicates from nobody"),
    ],
    ids=["replica", "replica-offline", "primary", "primary-offline"],
)
@pytest.mark.parametrize("reason", [Reason.OK, Reason.NOT_REPLICATING, Reason.LOADING, Reason.OFFLINE, Reason.AUTH])
def test_a_wrong_role_decides_whatever_else_ails_the_host(
    facts: Facts, role: Role, message: str, reason: Reason
) -> None:
    """What counts only after some probes must not keep a host of a wrong role published so long."""
    for expect, answer in ((None, None), ("0", "0"), ("0", "1")):
        outcome = assess(Observation(reason, "why", answer, facts=facts), expect, role)
        assert outcome == Outcome(Reason.WRONG_ROLE, message)
        assert outcome.effect is Effect.DECIDES


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.OK])
@pytest.mark.parametrize(
    ("facts", "role"),
    [(PRIMARY, Role.PRIMARY), (OUT, Role.PRIMARY), (REPLICA, Role.REPLICA), (REPLICA, Role.ANY), (None, Role.PRIMARY)],
    ids=["primary", "offline", "replica", "any", "unread"],
)
def test_a_right_role_makes_no_failure_better(reason: Reason, facts: Facts | None, role: Role) -> None:
    """A host that is what the Service asks for, and fails, fails by what the probe saw."""
    assert assess(Observation(reason, "why", facts=facts), None, role) == Outcome(reason, "why")


def test_a_host_that_serves_nobody_is_offline_in_its_right_role() -> None:
    """Its own words are told."""
    assert assess(Observation(Reason.OK, facts=OUT), None, Role.PRIMARY) == Outcome(
        Reason.OFFLINE, "cluster_state:fail"
    )
