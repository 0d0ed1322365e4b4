"""What `kubectl describe service` shows of its hosts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from lab.values import member, with_host
from mooring.model.damping import Damper, Hold
from mooring.model.events import Event, HostChanged, HostUnknown
from mooring.model.host_events import HostHeld
from mooring.model.reasons import Reason
from mooring.model.verdicts import HostState, Outcome, Verdict
from mooring.observe import event_words
from mooring.observe.event_words import entries
from mooring.plan.traffic_warning import WarningKind

DB1 = with_host(member(), name="db1")
DB = "db1 (10.20.0.11:3306)"


def changed(verdict: Verdict, before: Verdict, counts: tuple[int, int] | None = (1, 2)) -> HostChanged:
    outcome = Outcome(Reason.OK) if verdict is Verdict.READY else Outcome(Reason.REFUSED, "connection refused")
    return HostChanged(DB1, HostState(verdict, outcome=outcome), before, 3, counts=counts)


OUT = changed(Verdict.NOT_READY, Verdict.READY)
BACK = changed(Verdict.READY, Verdict.NOT_READY, (2, 2))


def posted(*reported: Event) -> list[tuple[str, str]]:
    """Reason and message of each Event."""
    return [(entry.reason, entry.message) for event in reported for entry in entries(event)]


def test_a_host_that_leaves_and_comes_back_is_an_event_of_its_service() -> None:
    """Who is out, at which address and port, why, and how many are left."""
    out, back = posted(OUT, BACK)
    assert out == ("HostNotReady", "db1 (10.20.0.11:3306) is out: refused: connection refused; 1 of 2 ready")
    assert back == ("HostReady", "db1 (10.20.0.11:3306) is ready again; 2 of 2 ready")


def test_a_service_that_becomes_empty_says_so() -> None:
    """It is an Event of its own: an alert or a person looks for one word."""
    (_, empty) = posted(changed(Verdict.NOT_READY, Verdict.READY, (0, 2)))
    assert empty[0] == "ServiceEmpty"
    assert empty[1].startswith("none of 2 hosts is ready; the last one: db1 (10.20.0.11:3306) is out: refused")


def test_a_first_verdict_that_is_good_is_no_news() -> None:
    """Otherwise the start over a thousand hosts would be a thousand Events. One that is bad is."""
    assert posted(changed(Verdict.READY, Verdict.UNJUDGED)) == []
    assert [reason for reason, _ in posted(changed(Verdict.NOT_READY, Verdict.UNJUDGED))] == ["HostNotReady"]


def test_what_cannot_be_judged_says_that_it_stays() -> None:
    """Nothing moves then, so somebody must look."""
    ((reason, message),) = posted(HostUnknown(DB1, Outcome(Reason.AUTH, "access denied")))
    assert reason == "HostUnknown"
    assert message == "db1 (10.20.0.11:3306) cannot be judged: auth: access denied; it stays as it is"


def test_a_host_that_is_held_out_says_until_when() -> None:
    """Nobody looks for a fault of the host that is none any more."""
    state = HostState(Verdict.NOT_READY, outcome=Outcome(Reason.OK), held=Hold(Damper.FLAP, 30.0))
    ((reason, message),) = posted(HostHeld(DB1, state))
    assert reason == "HostHeld"
    assert message == (
        "db1 (10.20.0.11:3306) answers, and stays out: it went out again and again; until 1970-01-01T00:00:30Z"
    )


def test_a_silent_host_that_stays_says_by_which_rule() -> None:
    """Traffic goes to a host that Mooring cannot reach: somebody should look."""
    state = HostState(Verdict.READY, outcome=Outcome(Reason.TIMEOUT))
    holds = (Hold(Damper.KEEP_ON_SILENCE), Hold(Damper.MAX_DEMOTIONS, 30.0))
    assert posted(*(HostHeld(DB1, replace(state, held=hold)) for hold in holds)) == [
        (
            "HostHeld",
            f"{DB} is out of reach, and stays ready: {rule} lets silence take no more hosts out{until}",
        )
        for rule, until in (("keepOnSilence", ""), ("--max-demotions", "; until 1970-01-01T00:00:30Z"))
    ]


def test_one_host_is_one_object_whatever_it_says() -> None:
    """So that its count rises; two hosts are two."""
    other = HostUnknown(with_host(member(), name="db2"), Outcome(Reason.AUTH))
    subjects = [entry.subject for event in (OUT, BACK, other) for entry in entries(event)]
    assert subjects == ["db1", "db1", "db2"]


def test_every_reason_is_in_the_docs() -> None:
    """What stands in `kubectl describe` can be looked up; the docs list no reason that no Event has."""
    source = Path(event_words.__file__).read_text()
    posted_reasons = {*re.findall(r'"([A-Z][a-z]+(?:[A-Z][a-z]+)*)"', source)} | {*WarningKind}
    page = (Path(__file__).parents[3] / "docs/operations.md").read_text().partition("## Events")[2].partition("## ")[0]
    listed = {*re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`", page)}
    assert listed == posted_reasons
