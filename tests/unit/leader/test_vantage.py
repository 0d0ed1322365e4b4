"""What observers say, and what follows from it, with times as arguments."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.leader.election import Lease
from mooring.leader.health import Health
from mooring.leader.installation import NO_SERVICES, sketch
from mooring.leader.vantage import (
    FRESH_SECONDS,
    RENEW_SECONDS,
    SEES_SECONDS,
    SLOTS,
    STALE_SECONDS,
    Statement,
    Vantage,
    find_seer,
    give_back,
    is_spare,
    make_statement,
    next_write,
    note_attempt,
    note_health,
    note_leases,
    note_write,
    others_see,
    parse_statement,
    statement_json,
)

ME, OTHER, WALL, NOW = "me", "other", "now", 1000.0
BLIND, WELL = Health(blind=True), Health(answered=NOW)
NOBODY: tuple[Lease | None, ...] = (None,) * SLOTS


def lease(holder: str, version: str, said: Statement = Statement()) -> Lease:  # noqa: B008 -- a frozen value
    return Lease(holder, STALE_SECONDS, 0, "then", "then", version, statement_json(said))


def beside(*found: Lease) -> tuple[Lease | None, ...]:
    return (*found, *NOBODY[len(found) :])


def troubled(version: str = "1") -> Vantage:
    """A daemon that turned blind while another one's Lease was seen to change."""
    state = note_leases(Vantage(ME), beside(lease(OTHER, "0")), NOW - 1)
    return note_health(note_leases(state, beside(lease(OTHER, version)), NOW), BLIND)


@given(
    said=st.builds(
        Statement,
        trouble=st.text(max_size=20),
        sees=st.frozensets(st.text(max_size=20), max_size=SLOTS),
        rests=st.booleans(),
        services=st.builds(sketch, st.lists(st.text(max_size=9), max_size=9)),
    )
)
def test_what_is_said_is_what_is_read(said: Statement) -> None:
    """The annotation is JSON, the same for the same statement."""
    assert parse_statement(statement_json(said)) == said


@pytest.mark.parametrize("note", ["", "{", "7", "[]", '{"sees": 7, "trouble": [], "rests": 1}', "[" * 5000, "9" * 9000])
def test_a_malformed_annotation_is_an_empty_statement(note: str) -> None:
    """A malformed annotation never makes its daemon the next holder."""
    assert parse_statement(note) == Statement()


def test_a_lease_is_fresh_while_it_is_seen_to_change() -> None:
    """By the reader's own clock: what was there when it came is no change, and 12 s after the last one it is stale."""
    state = note_leases(Vantage(ME), beside(lease(OTHER, "1")), NOW)
    assert state.fresh(NOW) == ()
    state = note_leases(state, beside(lease(OTHER, "2")), NOW + 1)
    assert [slot.lease and slot.lease.holder for slot in state.fresh(NOW + 1 + FRESH_SECONDS)] == [OTHER]
    assert state.fresh(NOW + 1.1 + FRESH_SECONDS) == ()
    assert note_leases(state, beside(lease("", "3")), NOW + 2).fresh(NOW + 2) == ()


def test_one_that_appears_is_fresh() -> None:
    """A Lease in a slot that was empty before is a change."""
    state = note_leases(note_leases(Vantage(ME), NOBODY, NOW), beside(lease(OTHER, "1")), NOW + 1)
    assert len(state.fresh(NOW + 1)) == 1
    gone = note_leases(state, NOBODY, NOW + 2)
    assert gone.fresh(NOW + 2) == ()
    assert len(note_leases(gone, beside(lease(OTHER, "3")), NOW + 3).fresh(NOW + 3)) == 1


@pytest.mark.parametrize(
    ("what", "health", "later", "sees"),
    [
        ("an answer begun after it was asked", Health(answered=NOW + 1), 2.0, True),
        ("an answer begun before", Health(answered=NOW - 1), 2.0, False),
        ("no answer lately", Health(answered=NOW + 1), 1.1 + FRESH_SECONDS, False),
        ("blind itself", Health(answered=NOW + 1, blind=True), 2.0, False),
        ("a thread of it stands still", Health(answered=NOW + 1, stuck="the engine stands still"), 2.0, False),
        ("not every host was probed yet", Health(answered=NOW + 1, started=False), 2.0, False),
    ],
)
def test_who_sees(what: str, health: Health, later: float, *, sees: bool) -> None:
    """Only a ready target's answer to a probe begun after the question counts; one that just started has none."""
    asking = Statement(trouble="other/1")
    state = note_leases(Vantage(ME), beside(lease(OTHER, "1")), NOW - 1)
    state = note_health(note_leases(state, beside(lease(OTHER, "2", asking)), NOW), health)
    # The other one goes on renewing.
    state = note_leases(state, beside(lease(OTHER, "3", asking)), NOW + later)
    said = make_statement(state, health, NOW + later, rests=False)
    assert (said.sees == {"other/1"}) is sees, what


def test_each_trouble_asks_anew() -> None:
    """An answer to an earlier trouble does not count for the present one."""
    state = troubled()
    first = state.trouble
    assert first == "me/1"
    assert note_health(state, BLIND) is state
    well = note_health(state, WELL)
    assert well.trouble == ""
    assert note_health(well, Health(stuck="the writer stands still")).trouble == "me/2"


def answered(state: Vantage, at: float, version: str = "2", *, rests: bool = False) -> Vantage:
    return note_leases(
        state, beside(lease(OTHER, version, Statement(sees=frozenset({state.trouble}), rests=rests))), at
    )


def test_the_lease_goes_to_one_that_has_seen_for_3_seconds() -> None:
    """Not before that, not to one that withdrew its answer meanwhile, and not to one that is no longer fresh."""
    state = answered(troubled(), NOW)
    assert others_see(state, NO_SERVICES, NOW)
    assert find_seer(state, NO_SERVICES, NOW + SEES_SECONDS - 0.1, SEES_SECONDS) == ""
    assert find_seer(state, NO_SERVICES, NOW + SEES_SECONDS, SEES_SECONDS) == OTHER
    assert find_seer(state, NO_SERVICES, NOW + FRESH_SECONDS + 0.1, SEES_SECONDS) == ""
    lost = note_leases(state, beside(lease(OTHER, "3")), NOW + 1)
    assert not others_see(lost, NO_SERVICES, NOW + 1)
    again = answered(lost, NOW + 2, "4")
    assert find_seer(again, NO_SERVICES, NOW + SEES_SECONDS, SEES_SECONDS) == ""
    assert find_seer(again, NO_SERVICES, NOW + 2 + SEES_SECONDS, SEES_SECONDS) == OTHER


def test_another_holder_of_the_slot_says_it_for_itself() -> None:
    """The three seconds count for one daemon: a new holder of the slot begins anew."""
    state = answered(troubled(), NOW)
    said = Statement(sees=frozenset({state.trouble}))
    state = note_leases(state, beside(lease("third", "3", said)), NOW + 2)
    assert find_seer(state, NO_SERVICES, NOW + SEES_SECONDS, SEES_SECONDS) == ""
    assert find_seer(state, NO_SERVICES, NOW + 2 + SEES_SECONDS, SEES_SECONDS) == "third"


def test_one_that_rests_is_not_handed_the_lease() -> None:
    """It handed it over a minute ago at most; a blind one leaves a free Lease to it all the same."""
    state = answered(troubled(), NOW, rests=True)
    assert find_seer(state, NO_SERVICES, NOW + 5, SEES_SECONDS) == ""
    assert others_see(state, NO_SERVICES, NOW + 5)


def test_one_of_another_installation_sees_other_hosts() -> None:
    """The Lease is not handed to a daemon that keeps none of our Services."""
    state = troubled()
    said = Statement(sees=frozenset({state.trouble}), services=sketch(["shop/db"]))
    state = note_leases(state, beside(lease(OTHER, "2", said)), NOW)
    assert find_seer(state, sketch(["shop/db", "default/db"]), NOW + 5, SEES_SECONDS) == OTHER
    assert find_seer(state, sketch(["default/db"]), NOW + 5, SEES_SECONDS) == ""
    assert not others_see(state, sketch(["default/db"]), NOW + 5)


def test_it_takes_the_first_free_slot_and_renews_it() -> None:
    """One that is empty, given back, or not renewed for 15 s; its own every 4 s, and at once when it has news."""
    held = beside(lease("a", "1"), lease("b", "2"), lease("", "3"))
    state = note_leases(Vantage(ME), held, NOW)
    due = next_write(state, Statement(), NOW, WALL)
    assert due is not None
    at, claimed = due
    assert (at, claimed.before, claimed.wanted.holder) == (2, held[2], ME)
    after = note_write(note_attempt(state, NOW), at, replace(claimed.wanted, version="9"), NOW, NOW + 0.1)
    assert after.slot == 2
    assert next_write(after, Statement(), NOW + RENEW_SECONDS - 0.1, WALL) is None
    again = next_write(after, Statement(), NOW + RENEW_SECONDS, WALL)
    assert again is not None
    assert again[1].wanted.renewed == WALL
    news = next_write(after, Statement(trouble="me/1"), NOW + 0.2, WALL)
    assert news is not None
    assert parse_statement(news[1].wanted.note).trouble == "me/1"
    back = give_back(after, WALL)
    assert back is not None
    assert (back[0], back[1].wanted.holder, back[1].wanted.note) == (2, "", "")
    assert give_back(state, WALL) is None


def test_a_sixth_daemon_has_no_slot() -> None:
    """Five that renew theirs hold them all; a slot that nobody renews is taken after 15 s."""
    first = tuple(lease(f"d{at}", "1") for at in range(SLOTS))
    state = note_leases(note_leases(Vantage(ME), NOBODY, NOW - 1), first, NOW)
    assert is_spare(state, NOW)
    assert next_write(state, Statement(), NOW, WALL) is None
    assert next_write(state, Statement(), NOW + STALE_SECONDS - 0.1, WALL) is None
    due = next_write(state, Statement(), NOW + STALE_SECONDS, WALL)
    assert due is not None
    assert due[0] == 0


def test_a_write_that_failed_is_tried_after_a_second() -> None:
    state = note_leases(Vantage(ME), NOBODY, NOW)
    assert next_write(note_attempt(state, NOW), Statement(), NOW + 0.9, WALL) is None
    assert next_write(note_attempt(state, NOW), Statement(), NOW + 1, WALL) is not None
