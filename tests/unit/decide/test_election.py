"""The decisions of one candidate, with times as arguments."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mooring.decide.election import (
    Claim,
    Election,
    Lease,
    Timings,
    claim,
    given_back,
    next_at,
    saw,
    stored,
    tried,
)

ME, OTHER, WALL, NOW = "me", "other", "now", 1000.0
TIMINGS = Timings()
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
    """Lease > renew > 1.2 x retry, as client-go has it: anything else is a mistake of whoever built it."""
    with pytest.raises(ValueError, match=r"must hold|whole seconds"):
        Timings(*timings)
    assert wrong


def test_the_usual_timings_are_those_of_kubernetes() -> None:
    """Lease 15 s, renewed within 10 s, tried every 2 s; no request takes so long that the next one comes too late."""
    assert (TIMINGS.lease, TIMINGS.renew, TIMINGS.retry) == (15, 10, 2)
    assert TIMINGS.request + TIMINGS.retry < TIMINGS.renew


TAKEN = Lease(ME, 15.0, 5, WALL, WALL)


@pytest.mark.parametrize(
    ("what", "state", "wanted"),
    [
        ("none there", saw(FRESH, None, NOW), Claim(None, Lease(ME, 15.0, 0, WALL, WALL))),
        ("given back", saw(FRESH, lease(""), NOW), Claim(lease(""), TAKEN)),
        ("just seen", saw(FRESH, lease(OTHER), NOW), None),
        ("seen 14.9 s ago", saw(FRESH, lease(OTHER), NOW - 14.9), None),
        ("seen 15 s ago", saw(FRESH, lease(OTHER), NOW - 15), Claim(lease(OTHER), TAKEN)),
        (
            "its own shorter time",
            saw(FRESH, lease(OTHER, seconds=3.0), NOW - 3),
            Claim(lease(OTHER, seconds=3.0), TAKEN),
        ),
        ("says no time", saw(FRESH, lease(OTHER, seconds=None), NOW - 14.9), None),
        (
            "seen again unchanged",
            saw(saw(FRESH, lease(OTHER), NOW - 15), lease(OTHER), NOW),
            Claim(lease(OTHER), TAKEN),
        ),
        ("renewed meanwhile", saw(saw(FRESH, lease(OTHER), NOW - 15), lease(OTHER, "8"), NOW), None),
        ("deleted under its holder", saw(saw(FRESH, lease(OTHER), NOW - 14), None, NOW), None),
        ("tried just now", tried(saw(FRESH, lease(""), NOW), NOW - 1.9), None),
        ("tried before", tried(saw(FRESH, lease(""), NOW), NOW - 2), Claim(lease(""), TAKEN)),
        ("news since the try", saw(tried(FRESH, NOW - 1), lease(""), NOW), Claim(lease(""), TAKEN)),
        (
            "mine",
            saw(FRESH, lease(ME), NOW),
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
    state = tried(saw(FRESH, lease(""), begun), begun)
    claimed = claim(saw(FRESH, lease(""), begun), begun, WALL)
    assert claimed is not None
    return stored(state, claimed, replace(claimed.wanted, version=version), begun, begun + 0.5)


@pytest.mark.parametrize(("after", "leads"), [(0.5, True), (9.9, True), (10.0, False), (30.0, False)])
def test_it_leads_until_the_deadline_of_its_renewal(after: float, *, leads: bool) -> None:
    """Counted from when the request was begun: the answer may be late, and a process may have slept meanwhile."""
    assert led().leads(NOW + after) is leads


@pytest.mark.parametrize(
    ("found", "leads"), [(lease(OTHER, "9"), False), (lease("", "9"), False), (lease(ME, "9"), True), (None, True)]
)
def test_it_stops_at_the_first_word_of_another(found: Lease | None, *, leads: bool) -> None:
    """A Lease that another holds, or nobody, is ours no more; one that was deleted under us is made again."""
    state = saw(led(), found, NOW + 1)
    assert state.leads(NOW + 1) is leads
    if found is None:
        claimed = claim(state, NOW + 2, WALL)
        assert claimed is not None
        assert claimed.before is None


def test_a_write_that_changed_nothing_is_no_renewal() -> None:
    """Nobody else could see it, so it must not count: a clock that stands still writes the same text again."""
    state = led()
    again = claim(state, NOW + 2, WALL)
    assert again is not None
    after = stored(state, again, replace(again.wanted, version="8"), NOW + 2, NOW + 2)
    assert after.until == state.until
    assert stored(state, again, replace(again.wanted, version="9"), NOW + 2, NOW + 2).until == NOW + 12


def test_a_lost_answer_leads_to_nothing() -> None:
    """A Lease that we took without being told is ours to renew, and only then do we lead."""
    state = saw(tried(saw(FRESH, lease(""), NOW), NOW), lease(ME, "8"), NOW + 1)
    assert not state.leads(NOW + 1)
    assert next_at(state, NOW + 1) == NOW + 2
    assert claim(state, NOW + 2, WALL) is not None


def test_it_gives_back_only_what_it_holds() -> None:
    """The empty holder lets the next one begin at once; transitions are counted by whoever takes it."""
    claimed = given_back(led(), WALL)
    assert claimed is not None
    assert claimed.wanted == Lease("", 1.0, 5, WALL, WALL, "8")
    assert given_back(saw(FRESH, lease(OTHER), NOW), WALL) is None
    assert given_back(FRESH, WALL) is None


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (saw(FRESH, lease(OTHER), NOW), NOW + 15),
        (saw(FRESH, lease(""), NOW), NOW),
        (saw(FRESH, None, NOW), -math.inf),
        (led(), NOW + 2),
        (tried(led(), NOW + 9), NOW + 10),
    ],
    ids=["another-holds-it", "given-back", "none", "mine", "mine-and-the-deadline-is-near"],
)
def test_it_wakes_when_there_is_something_to_do(state: Election, due: float) -> None:
    """A standby at the moment a lease runs out, a leader in time to renew it, and to tell that it leads no more."""
    assert next_at(state, NOW) == due
