"""The decisions of one candidate, with times as arguments."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mooring.leader.election import (
    HANDOVER_SECONDS,
    REST_SECONDS,
    WRITE_SECONDS,
    Claim,
    Election,
    Lease,
    LeaseTimings,
    claim,
    consider_handover,
    distrust_renewal,
    give_back,
    hand_over,
    next_at,
    note_attempt,
    note_lease,
    note_write,
)
from mooring.leader.health import Fitness

ME, OTHER, WALL, NOW = "me", "other", "now", 1000.0
TIMINGS = LeaseTimings()
FRESH = Election(ME, TIMINGS)


def lease(holder: str, version: str = "7", *, seconds: float | None = 15.0, transitions: int = 4) -> Lease:
    return Lease(holder, seconds, transitions, "then", "then", version)


@pytest.mark.parametrize(
    ("wrong", "timings"),
    [
        ("no time for a write under way", (10.0, 10.0, 2.0)),
        ("no second try before the deadline", (15.0, 2.4, 2.0)),
        ("tries without a pause", (15.0, 10.0, 0.0)),
        ("less than a Lease can say", (1.5, 1.0, 0.2)),
    ],
)
def test_timings_that_cannot_work_are_refused(wrong: str, timings: tuple[float, float, float]) -> None:
    """Lease > renew > 1.2 x retry must hold, as in client-go."""
    with pytest.raises(ValueError, match=r"must hold|whole seconds"):
        LeaseTimings(*timings)
    assert wrong


def test_the_usual_timings_are_those_of_kubernetes() -> None:
    """Lease 15 s, renewed within 10 s, tried every 2 s; no request takes so long that the next one comes too late."""
    assert (TIMINGS.lease, TIMINGS.renew, TIMINGS.retry) == (15, 10, 2)
    assert TIMINGS.request + TIMINGS.retry < TIMINGS.renew


MADE = Claim(None, Lease(ME, 15.0, 0, WALL, WALL))
TAKEN = Lease(ME, 15.0, 5, WALL, WALL)


@pytest.mark.parametrize(
    ("what", "state", "wanted"),
    [
        ("none there", note_lease(FRESH, None, NOW), MADE),
        ("given back", note_lease(FRESH, lease(""), NOW), Claim(lease(""), TAKEN)),
        ("just seen", note_lease(FRESH, lease(OTHER), NOW), None),
        ("seen 14.9 s ago", note_lease(FRESH, lease(OTHER), NOW - 14.9), None),
        ("seen 15 s ago", note_lease(FRESH, lease(OTHER), NOW - 15), Claim(lease(OTHER), TAKEN)),
        (
            "its own shorter time",
            note_lease(FRESH, lease(OTHER, seconds=3.0), NOW - 3),
            Claim(lease(OTHER, seconds=3.0), TAKEN),
        ),
        ("says no time", note_lease(FRESH, lease(OTHER, seconds=None), NOW - 14.9), None),
        (
            "seen again unchanged",
            note_lease(note_lease(FRESH, lease(OTHER), NOW - 15), lease(OTHER), NOW),
            Claim(lease(OTHER), TAKEN),
        ),
        ("renewed meanwhile", note_lease(note_lease(FRESH, lease(OTHER), NOW - 15), lease(OTHER, "8"), NOW), None),
        ("deleted under its holder", note_lease(note_lease(FRESH, lease(OTHER), NOW - 14), None, NOW), None),
        ("deleted, what was left is over", note_lease(note_lease(FRESH, lease(OTHER), NOW - 15), None, NOW - 10), MADE),
        ("years, deleted", note_lease(note_lease(FRESH, lease(OTHER, seconds=2e9), NOW - 20), None, NOW - 14.9), None),
        (
            "years, deleted 15 s ago",
            note_lease(note_lease(FRESH, lease(OTHER, seconds=2e9), NOW - 20), None, NOW - 15),
            MADE,
        ),
        ("it says years", note_lease(FRESH, lease(OTHER, seconds=2e9), NOW - 59.9), None),
        (
            "it says years, and did not change for 60 s",
            note_lease(FRESH, lease(OTHER, seconds=2e9), NOW - 60),
            Claim(lease(OTHER, seconds=2e9), TAKEN),
        ),
        ("tried just now", note_attempt(note_lease(FRESH, lease(""), NOW), NOW - 1.9), None),
        ("tried before", note_attempt(note_lease(FRESH, lease(""), NOW), NOW - 2), Claim(lease(""), TAKEN)),
        ("news since the try", note_lease(note_attempt(FRESH, NOW - 1), lease(""), NOW), Claim(lease(""), TAKEN)),
        (
            "mine",
            note_lease(FRESH, lease(ME), NOW),
            Claim(lease(ME), Lease(ME, 15.0, 4, "then", WALL, "7")),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_candidate_tries(what: str, state: Election, wanted: Claim | None) -> None:
    """Each taking counts one transition, a renewal none, and an unexpired lease is left alone."""
    assert claim(state, NOW, WALL) == wanted


def led(*, begun: float = NOW, version: str = "8") -> Election:
    """A candidate that has just taken a Lease."""
    state = note_attempt(note_lease(FRESH, lease(""), begun), begun)
    claimed = claim(note_lease(FRESH, lease(""), begun), begun, WALL)
    assert claimed is not None
    return note_write(state, claimed, replace(claimed.wanted, version=version), begun, begun + 0.5)


@pytest.mark.parametrize(("after", "leads"), [(0.5, True), (9.9, True), (10.0, False), (30.0, False)])
def test_it_leads_until_the_deadline_of_its_renewal(after: float, *, leads: bool) -> None:
    """The time counts from the start of the request: the answer may be late, or the process may have slept."""
    assert led().leads(NOW + after) is leads


@pytest.mark.parametrize(
    ("found", "leads"), [(lease(OTHER, "9"), False), (lease("", "9"), False), (lease(ME, "9"), True), (None, True)]
)
def test_it_stops_at_the_first_word_of_another(found: Lease | None, *, leads: bool) -> None:
    """A Lease that another holds, or nobody, is ours no more; one that was deleted under us is made again."""
    state = note_lease(led(), found, NOW + 1)
    assert state.leads(NOW + 1) is leads
    if found is None:
        claimed = claim(state, NOW + 1, WALL)
        assert claimed is not None, "its holder makes it again at once"
        assert claimed.before is None


def test_a_write_that_changed_nothing_is_no_renewal() -> None:
    """A write with the same text has no new version: nobody sees it, so it does not count as a renewal."""
    state = led()
    again = claim(state, NOW + 2, WALL)
    assert again is not None
    after = note_write(state, again, replace(again.wanted, version="8"), NOW + 2, NOW + 2)
    assert after.until == state.until
    assert note_write(state, again, replace(again.wanted, version="9"), NOW + 2, NOW + 2).until == NOW + 12


def test_a_lost_answer_leads_to_nothing() -> None:
    """A candidate that finds itself as the holder renews the Lease first, and only then leads."""
    state = note_lease(note_attempt(note_lease(FRESH, lease(""), NOW), NOW), lease(ME, "8"), NOW + 1)
    assert not state.leads(NOW + 1)
    assert next_at(state, NOW + 1) == NOW + 2
    assert claim(state, NOW + 2, WALL) is not None


def test_it_gives_back_only_what_it_holds() -> None:
    """The empty holder lets the next one begin at once; the taker counts the transition."""
    claimed = give_back(led(), WALL)
    assert claimed is not None
    assert claimed.wanted == Lease("", 1.0, 5, WALL, WALL, "8")
    assert give_back(note_lease(FRESH, lease(OTHER), NOW), WALL) is None
    assert give_back(FRESH, WALL) is None


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (note_lease(FRESH, lease(OTHER), NOW), NOW + 15),
        (note_lease(FRESH, lease(""), NOW), NOW),
        (note_lease(FRESH, None, NOW), -math.inf),
        (led(), NOW + 2),
        (note_attempt(led(), NOW + 9), NOW + 10),
    ],
    ids=["another-holds-it", "given-back", "none", "mine", "mine-and-the-deadline-is-near"],
)
def test_it_wakes_when_there_is_something_to_do(state: Election, due: float) -> None:
    """A standby at the moment a lease runs out, a leader in time to renew it, and to tell that it leads no more."""
    assert next_at(state, NOW) == due


@pytest.mark.parametrize(
    ("fitness", "renews", "takes", "makes_again"),
    [
        (Fitness.WELL, True, True, True),
        (Fitness.BLIND, True, False, True),
        (Fitness.OUTVOTED, True, True, True),
        (Fitness.STUCK, False, False, False),
    ],
)
def test_what_one_in_trouble_does(fitness: Fitness, *, renews: bool, takes: bool, makes_again: bool) -> None:
    """Blind while another sees, it keeps the Lease until it is handed over; where threads stand still it lets go."""
    assert (claim(led(), NOW + 2, WALL, fitness) is not None) is renews
    assert (claim(note_lease(FRESH, lease(""), NOW), NOW, WALL, fitness) is not None) is takes
    assert (claim(note_lease(FRESH, lease(OTHER), NOW - 15), NOW, WALL, fitness) is not None) is takes
    assert (claim(note_lease(led(), None, NOW + 1), NOW + 1, WALL, fitness) is not None) is makes_again


def test_it_hands_over_once_no_write_is_under_way() -> None:
    """No write lasts beyond the moment of the handover, and the new holder renews the Lease at once."""
    state = consider_handover(led(), NOW + 1, seen=True)
    assert state.yields_at == NOW + 1 + WRITE_SECONDS
    assert consider_handover(state, NOW + 2, seen=True).yields_at == state.yields_at
    assert state.leads(NOW + 5.9)
    assert hand_over(state, OTHER, NOW + 5.9, WALL) is None
    assert not state.leads(NOW + 6)
    assert hand_over(state, "", NOW + 6, WALL) is None
    given = hand_over(state, OTHER, NOW + 6, WALL)
    assert given is not None
    assert given == Claim(state.held, Lease(OTHER, 15.0, 6, WALL, WALL, "8", "me/6"))
    found = replace(given.wanted, version="9")
    after = note_write(note_attempt(state, NOW + 6), given, found, NOW + 6, NOW + 6.1)
    assert (after.holder, after.leads(NOW + 6.1)) == (OTHER, False)
    theirs = note_lease(
        note_attempt(note_lease(Election(OTHER, TIMINGS), lease(ME, "8"), NOW), NOW + 5.5), found, NOW + 6.1
    )
    assert not theirs.leads(NOW + 6.1)
    assert next_at(theirs, NOW + 6.1) <= NOW + 6.1
    renewal = claim(theirs, NOW + 6.1, WALL)
    assert renewal is not None
    assert renewal.wanted.transitions == 6


def test_a_handover_that_is_not_wanted_any_more_is_called_off() -> None:
    """The leader sees again, or nobody sees any more: it goes on."""
    state = consider_handover(consider_handover(led(), NOW + 1, seen=True), NOW + 2, seen=False)
    assert state.leads(NOW + 9)
    assert consider_handover(note_lease(FRESH, lease(OTHER), NOW), NOW, seen=True).yields_at == math.inf


@pytest.mark.parametrize("me", [ME, OTHER, "third"])
def test_a_handover_is_seen_by_all(me: str) -> None:
    """No daemon hands it over within 30 s of the last handover; the giver does not take it back for a minute."""
    state = note_lease(Election(me, TIMINGS), lease(ME, "8"), NOW)
    state = note_lease(state, Lease(OTHER, 15.0, 6, WALL, WALL, "9", "me/6"), NOW + 1)
    mine = note_lease(state, Lease(me, 15.0, 7, WALL, WALL, "10", "me/6"), NOW + 2)
    assert consider_handover(mine, NOW + 0.9 + HANDOVER_SECONDS, seen=True).yields_at == math.inf
    assert consider_handover(mine, NOW + 1 + HANDOVER_SECONDS, seen=True).yields_at < math.inf
    assert state.rests(NOW + 0.9 + REST_SECONDS) is (me == ME)
    assert not state.rests(NOW + 1 + REST_SECONDS)


def test_an_old_handover_is_none_of_a_newcomers() -> None:
    """A handover that stood in the Lease before the daemon started does not count."""
    state = note_lease(FRESH, Lease(ME, 15.0, 6, WALL, WALL, "9", "other/6"), NOW)
    assert state.handed_at == -math.inf


def test_a_leader_in_doubt_renews_before_it_leads_again() -> None:
    """Where a clock stood still the last renewal counts no more, and the next one is due at once."""
    state = distrust_renewal(led())
    assert not state.leads(NOW + 0.6)
    assert claim(state, NOW + 0.6, WALL) is not None
