"""assess: what one Service makes of an observation. Roles are in test_assess_roles."""

from __future__ import annotations

import pytest

from lab.values import member, with_check
from mooring.judge.assess import assess
from mooring.model.facts import Channel, Facts
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import Requirement, Role
from mooring.model.targets import Member
from mooring.model.verdicts import Outcome

BAD = [reason for reason in Reason if reason is not Reason.OK]
REPLICA = Facts(read_only="read_only=1", channels=(Channel("10.20.0.12:3306"),))


def expecting(answer: str | None, role: Role = Role.ANY) -> Member:
    return with_check(member(), expect=answer, requirement=Requirement(role))


@pytest.mark.parametrize("reason", list(Reason))
def test_without_an_expected_answer_the_observation_stands(reason: Reason) -> None:
    """With ``role: any`` the outcome has the reason and the message of the observation, unchanged."""
    assert assess(Observation(reason, "why", answer="1"), expecting(None)) == Outcome(reason, "why")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("reason", BAD)
def test_a_failed_probe_keeps_its_own_reason(reason: Reason, role: Role) -> None:
    """A failed probe keeps its own reason: it is neither a wrong answer nor a wrong role."""
    assert assess(Observation(reason, "why"), expecting("0", role)) == Outcome(reason, "why")


def test_the_expected_answer_is_success() -> None:
    """The answer that the file expects lets the host pass."""
    assert assess(Observation(Reason.OK, answer="0"), expecting("0")) == Outcome(Reason.OK)


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
    assert assess(Observation(Reason.OK, answer=answer), expecting(expect)) == Outcome(Reason.OFFLINE, message)


def test_a_message_stays_short() -> None:
    """However long the answers are, the message fits into 256 bytes."""
    outcome = assess(Observation(Reason.OK, answer="\U0001f409" * 5000), expecting("\U0001f40a" * 1024))
    assert len(outcome.message.encode()) == 256


@pytest.mark.parametrize(
    ("role", "answer", "reason"),
    [
        (Role.PRIMARY, "0", Reason.WRONG_ROLE),
        (Role.PRIMARY, "1", Reason.WRONG_ROLE),
        (Role.REPLICA, "0", Reason.OK),
        (Role.REPLICA, "1", Reason.OFFLINE),
    ],
)
def test_a_wrong_role_outweighs_a_wrong_answer(role: Role, answer: str, reason: Reason) -> None:
    """``offline_mode`` counts toward the threshold; a wrong role decides at once, with or without it."""
    seen = Observation(Reason.OK, answer=answer, facts=REPLICA)
    assert assess(seen, expecting("0", role)).reason is reason


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("keeps", [False, True])
def test_a_full_house_keeps_its_place_only_where_the_service_says_so(role: Role, *, keeps: bool) -> None:
    """A saturated host whose held session answers keeps its verdict, or fails, as the Service asks."""
    facts = REPLICA if role is Role.REPLICA else Facts()
    seen = Observation(Reason.SATURATED, "Too many connections", facts=facts, held=True)
    outcome = assess(seen, expecting(None, role), keeps=keeps)
    assert outcome == Outcome(Reason.SATURATED, "Too many connections", stays=keeps)
    assert outcome.effect is (Effect.UNKNOWN if keeps else MEANINGS[Reason.SATURATED].effect)


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize(
    ("role", "facts", "reason"),
    [
        (Role.PRIMARY, REPLICA, Reason.WRONG_ROLE),
        (Role.PRIMARY, Facts(read_only="read_only=1"), Reason.READ_ONLY),
        (Role.REPLICA, Facts(), Reason.WRONG_ROLE),
        (Role.REPLICA, Facts(read_only="read_only=1"), Reason.SATURATED),
        (Role.PRIMARY, Facts(offline="offline_mode=1"), Reason.SATURATED),
        (Role.PRIMARY, None, Reason.SATURATED),
        (Role.ANY, REPLICA, Reason.SATURATED),
    ],
)
def test_a_wrong_role_decides_under_a_full_house_too(
    role: Role, facts: Facts | None, reason: Reason, *, keeps: bool
) -> None:
    """A saturated host that reports a wrong role over its held session leaves at once."""
    outcome = assess(Observation(Reason.SATURATED, facts=facts, held=True), expecting(None, role), keeps=keeps)
    assert (outcome.reason, outcome.stays) == (reason, keeps and reason is Reason.SATURATED)


@pytest.mark.parametrize(
    ("role", "reason"), [(Role.ANY, Reason.OK), (Role.PRIMARY, Reason.AUTH), (Role.REPLICA, Reason.AUTH)]
)
def test_facts_that_cannot_be_read_matter_only_to_who_asks_for_a_role(role: Role, reason: Reason) -> None:
    """A missing grant makes the host unknown for a Service with a role, and changes nothing for the others."""
    unread = Outcome(Reason.AUTH, "GRANT REPLICA MONITOR ON *.* TO 'mooring'@'%'")
    outcome = assess(Observation(Reason.OK, unread=unread), expecting(None, role))
    assert outcome == (unread if reason is Reason.AUTH else Outcome(Reason.OK))


def test_a_full_house_whose_facts_cannot_be_read_stays_a_full_house() -> None:
    """A fact that is unknown hides no fact that is known."""
    seen = Observation(Reason.SATURATED, unread=Outcome(Reason.AUTH, "GRANT"), held=True)
    assert assess(seen, expecting(None, Role.PRIMARY)).reason is Reason.SATURATED


@pytest.mark.parametrize("role", [Role.PRIMARY, Role.REPLICA])
def test_an_answer_without_a_role_is_no_success(role: Role) -> None:
    """Who answers, and reports no role, is not taken for a host of the role that is asked for."""
    assert assess(Observation(Reason.OK), expecting(None, role)) == Outcome(Reason.PROTOCOL, "reports no role")
