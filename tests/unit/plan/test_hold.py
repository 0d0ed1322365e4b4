"""Which stored addresses stay while a name does not resolve: a truth table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import stored
from mooring.model.memory import Memory
from mooring.model.objects import StoredObjects
from mooring.plan.select import Selection, hold

A, OLD = "10.20.0.11", "10.20.0.99"
WAITS, OTHER = "db3.example.com", "db4.example.com"
LISTED = Selection((A,), ())


def objects(source: str | None) -> StoredObjects:
    """Holds an address that nobody lists, with what was noted of it."""
    noted = () if source is None else ((OLD, source),)
    return StoredObjects(replace(stored(ready=(A, OLD)), memory=Memory(noted)))


@pytest.mark.parametrize(
    ("source", "waiting", "stays"),
    [
        (None, {WAITS}, True),
        (WAITS, {WAITS}, True),
        (WAITS, {WAITS, OTHER}, True),
        ("", {WAITS}, False),
        (OTHER, {WAITS}, False),
        (None, set(), False),
        (WAITS, set(), False),
        ("", set(), False),
    ],
)
def test_an_unlisted_address_stays_only_for_a_name_that_may_be_its(
    source: str | None, waiting: set[str], *, stays: bool
) -> None:
    """What was a literal of the file leaves with it; what belongs to a name that waits, or is unknown, is held."""
    found = hold(LISTED, objects(source), frozenset(waiting))
    assert (OLD in found.ready, found.held) == (stays, (OLD,) if stays else ())


def test_a_held_address_yields_to_a_primary_that_was_found() -> None:
    """Of a Service with one primary, a held address is ready only while no host is."""
    assert hold(LISTED, objects(WAITS), frozenset({WAITS}), single=True).not_ready == (OLD,)
    assert hold(Selection((), (A,)), objects(WAITS), frozenset({WAITS}), single=True).ready == (OLD,)
