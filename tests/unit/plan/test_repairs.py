"""Repairs: for as long as somebody goes on, with a pause between them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mooring.plan.repairs import MOST_OBJECTS, MOST_RIVALS, Edit, Repairs, contesting_rivals, note_repair, repair_at

HAND = Edit("", "kubectl-edit")
MISSING = Edit("", None)
SECOND = Edit("", "mooring-b-1234", mooring=True)


def after(edit: Edit, *times: float) -> Repairs:
    repairs = Repairs()
    for at in times:
        repairs = note_repair(repairs, edit, at)
    return repairs


@pytest.mark.parametrize(
    ("edit", "times", "now", "until"),
    [
        (HAND, (), 0.0, None),
        (HAND, (0.0,), 0.5, 2.0),
        (HAND, (0.0,), 2.0, None),
        (HAND, tuple(range(0, 600, 2)), 600.0, None),
        (MISSING, (), 0.0, None),
        (MISSING, (0.0,), 0.1, 2.0),
        (MISSING, tuple(range(0, 600, 2)), 600.0, None),
        (SECOND, (), 0.0, None),
        (SECOND, (0.0, 10.0), 11.0, 12.0),
        (SECOND, (0.0, 10.0, 20.0), 30.0, 60.0),
        (SECOND, (0.0, 10.0, 20.0), 60.0, None),
        (SECOND, (0.0, 10.0, 20.0, 60.0), 62.0, 70.0),
    ],
)
def test_a_repair_is_made_at_once_and_then_with_a_pause(
    edit: Edit, times: tuple[float, ...], now: float, until: float | None
) -> None:
    """Two seconds an object, for as long as somebody goes on; another Mooring is repaired three times a minute."""
    assert repair_at(after(edit, *times), edit, now) == until


@pytest.mark.parametrize("of", [HAND, SECOND], ids=["a person", "another Mooring"])
def test_a_repair_without_an_answer_counts_unless_the_same_edit_is_still_there(of: Edit) -> None:
    """It may have been made. Where the object still has its version, it was not: the next try need not wait."""
    tried, later = replace(of, version="7"), replace(of, version="9")
    repairs = note_repair(Repairs(), tried, 10.0, heard=False)
    assert repair_at(repairs, tried, 10.1) is None
    assert repair_at(repairs, later, 10.1) == 12.0
    for at in (11.0, 16.0, 21.0):
        repairs = note_repair(repairs, tried, at, heard=False)
    assert repair_at(repairs, later, 23.0) is None, "one edit, tried four times"
    assert contesting_rivals(repairs, 23.0) == ()
    repairs = note_repair(repairs, tried, 30.0)
    assert repair_at(repairs, tried, 30.1) == 32.0, "it was made: an equal version is another edit"


def test_a_missing_object_that_may_have_been_made_waits_for_the_pause() -> None:
    """It has no version by which to know whether it was made and went missing again."""
    assert repair_at(note_repair(Repairs(), MISSING, 10.0, heard=False), MISSING, 10.1) == 12.0


def test_each_object_has_its_own_pause() -> None:
    """An edit of a slice does not wait because the Endpoints was repaired a moment ago."""
    assert repair_at(after(HAND, 10.0), Edit("db-mooring-ipv4-0", "kubectl-edit"), 10.1) is None


def test_who_repeats_it_is_named_until_he_has_stopped_for_long() -> None:
    """One foreign edit is no contest; two are, for ten minutes after the last."""
    assert contesting_rivals(after(HAND, 0.0), 1.0) == ()
    (rival,) = contesting_rivals(after(HAND, 0.0, 300.0), 301.0)
    assert (rival.name, rival.mooring) == ("kubectl-edit", False)
    assert contesting_rivals(after(HAND, 0.0, 300.0), 1000.0) == ()
    assert contesting_rivals(after(MISSING, 0.0, 10.0), 11.0) == ()


def test_many_names_and_objects_are_bounded() -> None:
    """Memory stays bounded, even if each edit has a new manager name."""
    repairs = Repairs()
    for number in range(2000):
        repairs = note_repair(repairs, Edit(f"slice-{number}", f"manager-{number}"), 0.001 * number)
    assert len(repairs.rivals) == MOST_RIVALS
    assert len(repairs.made) == MOST_OBJECTS
