"""assess: what one Service makes of an observation."""

from __future__ import annotations

import pytest

from mooring.decide.assess import assess
from mooring.model import Observation, Outcome
from mooring.reasons import Reason


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
