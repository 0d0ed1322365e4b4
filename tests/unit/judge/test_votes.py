"""Which hosts are silent, and whether silence may count yet."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from lab.values import report, target
from mooring.judge.votes import Poll, Silences, awaits
from mooring.model.reasons import Reason
from mooring.model.silence import ALONE, Sight, Votes
from mooring.model.verdicts import Outcome

DB, OTHER = target("10.20.0.11"), target("10.20.0.12")
PLACE = "10.20.0.11:3306"


def watching() -> Silences:
    made = Silences(lambda _place, _number: ALONE)
    made.watch(DB)
    return made


def test_each_silence_has_a_number_of_its_own() -> None:
    """It lasts until something comes back; a refusal is an answer, and a fault of ours is none."""
    held = watching()
    for at, reason in enumerate([Reason.OK, Reason.TIMEOUT, Reason.UNREACHABLE, Reason.LOCAL, Reason.DNS]):
        held.note(report(DB, reason, started=float(at)))
    assert held.by_place() == {PLACE: Sight(1, 0.0, 1.01)}
    held.note(report(DB, Reason.REFUSED, started=10.0))
    assert held.by_place() == {PLACE: Sight(answered=10.0)}
    held.note(report(DB, Reason.TIMEOUT, started=9.0))
    assert not held.by_place()[PLACE].silence, "it began before the answer"
    held.note(report(DB, Reason.TIMEOUT, started=11.0, witness=True))
    assert held.by_place()[PLACE].silence == 2


def test_services_that_ask_a_host_in_several_ways_share_its_silence() -> None:
    """Others vote on a host, not on a timeout: each Service hears the votes on the one number that is stated."""
    asked: list[tuple[str, int]] = []

    def count_votes(place: str, number: int) -> Votes:
        asked.append((place, number))
        return Votes(sees=1)

    held, hasty = Silences(count_votes), replace(DB, timeout=0.3)
    for one in (DB, hasty):
        held.watch(one)
    reports = [report(one, Reason.TIMEOUT, started=at) for at, one in ((1.0, hasty), (1.5, DB))]
    for seen in reports:
        held.note(seen)
    polls = [held.poll(seen) for seen in reports]
    assert asked == [(PLACE, 1), (PLACE, 1)]
    assert held.by_place()[PLACE].silence == 1
    assert all(poll and not poll.awaited and not poll.votes.majority for poll in polls)
    for one in (DB, hasty):
        held.note(report(one, Reason.OK, started=3.0))
    held.note(report(DB, Reason.TIMEOUT, started=4.0))
    assert held.by_place()[PLACE].silence == 2, "all had answered: it is a new silence"


def test_only_what_is_watched_is_known() -> None:
    """A target that leaves the file is forgotten."""
    held = watching()
    held.note(report(OTHER, Reason.TIMEOUT))
    assert held.by_place() == {PLACE: Sight()}
    assert (held.at({PLACE, "10.20.0.12:3306"}), held.poll(report(OTHER, Reason.TIMEOUT))) == ((DB,), None)
    held.watch(DB, watched=False)
    held.watch(OTHER)
    assert held.by_place() == {"10.20.0.12:3306": Sight()}


@pytest.mark.parametrize(
    ("votes", "now", "waits"),
    [
        pytest.param(Votes(awaited=1), 12.9, True, id="an observer has had no time to say"),
        pytest.param(Votes(awaited=1), 13.0, False, id="it has had its time"),
        pytest.param(Votes(silent=1, sees=1), 10.0, False, id="all have said"),
        pytest.param(ALONE, 10.0, False, id="alone"),
        pytest.param(Votes(nobody_before=20.0), 19.0, True, id="the API server has just come back"),
        pytest.param(Votes(nobody_before=inf), 9e9, True, id="the API server is away"),
    ],
)
def test_how_long_silence_waits(votes: Votes, now: float, waits: bool) -> None:  # noqa: FBT001 -- table
    """It fell silent at 10, and a probe may take a second."""
    assert awaits(votes, Sight(1, 5.0, 10.0), 1.0, now) is waits


@pytest.mark.parametrize(
    ("votes", "reason", "after"),
    [
        (Votes(sees=2), Reason.TIMEOUT, Reason.OUTVOTED),
        (Votes(sees=2), Reason.UNREACHABLE, Reason.OUTVOTED),
        (Votes(sees=2), Reason.REFUSED, Reason.REFUSED),
        (Votes(silent=1, sees=1), Reason.TIMEOUT, Reason.TIMEOUT),
    ],
)
def test_what_the_votes_make_of_an_outcome(votes: Votes, reason: Reason, after: Reason) -> None:
    """Only silence is voted on."""
    assert Poll(votes, awaited=False).weigh(Outcome(reason)).reason is after
