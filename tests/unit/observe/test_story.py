"""What a host has been through, as text."""

from __future__ import annotations

import pytest

from lab.documents import NOW, PROBED, host, out, outcome, service, status, transition
from mooring.observe.story import story, time_of_day, transition_words


def test_the_decision_comes_first_then_outcomes_and_transitions() -> None:
    """Runs stand in columns; a transition leads from its first evidence to the version that was stored."""
    refused = outcome(
        reason="refused",
        message="connection refused",
        count=135,
        firstAt="2025-11-26T10:15:57.125Z",
        lastAt="2025-11-26T10:18:19.000Z",
        fastestSeconds=0.0001,
        slowestSeconds=0.0001,
    )
    told = out(explanation="out since 10:16:01 UTC: ...", outcomes=[outcome(), refused], transitions=[transition()])
    assert list(story(status(service(host(name="db1"), told)), NOW)) == [
        "default/mysql-external  db2  10.20.0.12",
        "  out since 10:16:01 UTC: ...",
        "  Outcomes (UTC)",
        f"    10:15:01 - 10:15:59  30 x   ok       0.3-0.9 ms  {PROBED}",
        f"    10:15:57 - 10:18:19  135 x  refused  0.1 ms      {PROBED}  connection refused",
        "  Transitions (UTC)",
        (
            f"    10:16:01.250  ready -> not-ready: refused: connection refused at {PROBED}; "
            "first evidence 10:15:57.125, outcomes: 3; stored 10:16:01.280 (Endpoints, version 4711)"
        ),
        "",
    ]


def test_a_host_without_a_record_has_its_decision_alone() -> None:
    """As one whose name has no address."""
    told = host(explanation="never judged", outcomes=[], transitions=[])
    assert list(story(status(service(told)), NOW))[1:] == ["  never judged", ""]


def test_a_transition_that_another_stored_says_so() -> None:
    """A standby records what it sees, and writes nothing; a verdict that was taken over was stored before."""
    assert transition_words(transition(stored=None), NOW).endswith("; this Mooring has not stored it")
    taken = transition(reason=None, at=None, evidenceAt=None, stored=None)
    assert transition_words(taken, NOW) == "at the start  ready -> not-ready: as it was stored"


@pytest.mark.parametrize(
    ("moment", "fine", "shown"),
    [
        ("2025-11-26T10:16:01.250Z", False, "10:16:01"),
        ("2025-11-26T10:16:01.250Z", True, "10:16:01.250"),
        ("2025-11-25T10:16:01.250Z", False, "2025-11-25 10:16:01"),
    ],
)
def test_a_time_has_its_date_where_that_is_not_todays(moment: str, shown: str, *, fine: bool) -> None:
    """In UTC, as the log has it."""
    assert time_of_day(moment, NOW, fine=fine) == shown
