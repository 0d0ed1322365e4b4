"""What a daemon answers others on the silence of a host, and how it counts their answers."""

from __future__ import annotations

import json
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.leader.ballot import (
    EMPTY,
    MOST_HOSTS,
    Answers,
    Asked,
    Ballot,
    Booth,
    ballot_from_json,
    count,
    make_ballot,
    note_questions,
    to_probe,
)
from mooring.leader.vantage import MOST_NOTE
from mooring.model.silence import Sight, Votes

DB = "10.20.0.11:3306"
ASKED = Booth({("other", 7): Asked(DB, 100.0)})
SEES, ABSTAINS = Answers(frozenset({7})), Answers(abstains=frozenset({7}))


@pytest.mark.parametrize(
    ("sight", "said"),
    [
        pytest.param(Sight(answered=100.5), SEES, id="answered since"),
        pytest.param(Sight(answered=99.9), None, id="answered before the question"),
        pytest.param(Sight(), None, id="never probed"),
        pytest.param(Sight(silence=3, answered=100.5), None, id="silent to us as well"),
        pytest.param(None, ABSTAINS, id="not in our file"),
    ],
)
def test_what_a_daemon_answers(sight: Sight | None, said: Answers | None) -> None:
    """It sees a host only by an answer to a probe that it began after it was asked."""
    ballot = make_ballot(ASKED, {} if sight is None else {DB: sight}, able=True)
    assert ballot.answers == ({} if said is None else {"other": said})
    assert ballot.silent == ({DB: 3} if sight and sight.silence else {})


@pytest.mark.parametrize(("able", "own"), [(False, False), (True, True)], ids=["blind", "its own machine"])
def test_who_cannot_know_abstains(*, able: bool, own: bool) -> None:
    """Its answer would say nothing of the network."""
    ballot = make_ballot(ASKED, {DB: Sight(answered=101.0)}, able=able, is_own=lambda _: own)
    assert ballot.answers == {"other": ABSTAINS}


def test_a_host_is_asked_once_for_each_silence() -> None:
    """Where nothing is known since the question; a host that is silent to us anyway needs no probe more."""
    booth = note_questions(Booth(), {"other": Ballot({DB: 7}), "third": Ballot({"10.20.0.12:3306": 2})}, 100.0)
    sights = {DB: Sight(answered=90.0), "10.20.0.12:3306": Sight(silence=1)}
    after, due = to_probe(booth, sights)
    assert due == {DB}
    assert to_probe(after, sights) == (after, frozenset())
    assert note_questions(after, {"other": Ballot({DB: 7})}, 105.0).asked[("other", 7)].since == 100.0
    assert note_questions(after, {"other": Ballot({DB: 8})}, 105.0).asked == {("other", 8): Asked(DB, 105.0)}


def test_how_votes_are_counted() -> None:
    """An answer to another silence, or to another daemon, is none."""
    ballots = {
        "silent": Ballot({DB: 3}),
        "sees": Ballot(answers={"me": Answers(frozenset({7}))}),
        "earlier": Ballot(answers={"me": Answers(frozenset({6}))}),
        "another": Ballot(answers={"you": Answers(frozenset({7}))}),
        "abstains": Ballot(answers={"me": Answers(abstains=frozenset({7}))}),
        "many": Ballot(many=True),
        "nothing": EMPTY,
    }
    assert count("me", DB, 7, ballots) == Votes(silent=1, sees=1, awaited=3)


@pytest.mark.parametrize(
    ("silent", "sees", "counts"),
    [(0, 0, True), (0, 1, False), (1, 1, True), (1, 2, False), (2, 2, True), (0, 4, False)],
)
def test_the_majority(silent: int, sees: int, counts: bool) -> None:  # noqa: FBT001 -- table
    """More than half of those that vote, this daemon included."""
    assert Votes(silent, sees).majority is counts


def test_more_silent_hosts_than_fit_are_many() -> None:
    """Who cannot list them abstains; a full list fits into the annotation."""
    sights = {f"[fd00:20:0:0:0:0:0:{number:x}]:33060": Sight(number + 1, -inf, 0.0) for number in range(MOST_HOSTS)}
    full = make_ballot(Booth(), sights, able=True)
    answers = {f"mooring-5d9c7f8b6d-abcde-{number:08x}": Answers(frozenset(range(1, 201))) for number in range(4)}
    text = json.dumps(Ballot(full.silent, answers).as_json())
    assert (len(full.silent), full.many) == (MOST_HOSTS, False)
    assert len(text) < MOST_NOTE - 2048
    assert make_ballot(Booth(), {**sights, DB: Sight(999)}, able=True) == Ballot(many=True)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
)


@given(_ANYTHING | st.fixed_dictionaries({"silent": _ANYTHING, "answers": _ANYTHING, "many": _ANYTHING}))
def test_whatever_stands_there_is_a_ballot(found: object) -> None:
    """Who may edit the Lease ends no thread by it; what is no number of a silence is left out."""
    ballot = ballot_from_json(found)
    count("me", DB, 7, {"other": ballot})
    assert ballot_from_json(json.loads(json.dumps(ballot.as_json()))) == ballot


def test_a_ballot_survives_the_annotation() -> None:
    """As text and back."""
    ballot = Ballot({DB: 7}, {"other": Answers(frozenset({1, 3}), frozenset({2}))})
    assert ballot_from_json(json.loads(json.dumps(ballot.as_json()))) == ballot
