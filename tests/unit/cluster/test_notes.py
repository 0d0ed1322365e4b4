"""The annotation with what Mooring must know at its next start."""

from __future__ import annotations

import pytest

from mooring.cluster.notes import NOTES, noted, parse_notes
from mooring.model.memory import NOTHING, Memory
from mooring.model.spec import Port


@pytest.mark.parametrize(
    "memory",
    [
        NOTHING,
        Memory((("10.20.0.11", ""), ("fd00::13", "db3.example.com"))),
        Memory((), Port("mysql", 3306), "mysql:3366>3306/TCP"),
        Memory((), Port("", 6379)),
    ],
)
def test_what_is_noted_is_read_again(memory: Memory) -> None:
    """The same memory comes back at the next start, and the same memory makes the same text."""
    assert parse_notes({"annotations": {NOTES: noted(memory)}}) == memory
    assert noted(memory) == noted(parse_notes({"annotations": {NOTES: noted(memory)}}))


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "[]", "null", "{}", '{"hosts": 7}', '{"hosts": {}, "probed": "mysql"}', "[" * 100_000],
    ids=lambda text: text[:12],
)
def test_what_somebody_else_wrote_there_notes_nothing(text: str) -> None:
    """A spoilt annotation is as none: nothing of it is believed, and nothing fails."""
    assert parse_notes({"annotations": {NOTES: text}}) == NOTHING
    assert parse_notes({}) == parse_notes({"annotations": None}) == NOTHING
