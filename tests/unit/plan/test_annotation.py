"""The syntax of the annotations by which people overrule Mooring: what is written is what is read."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mooring.plan.annotation import MOST_CHARACTERS, encoded, entries, fields, head, moment, until_text, written

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=MOST_CHARACTERS)


@given(st.dictionaries(st.sampled_from(["until", "by", "reason"]), TEXT))
@example({"reason": " "})
@example({"reason": "\t"})
def test_whatever_a_reason_says_it_is_read_as_it_was_written(values: dict[str, str]) -> None:
    """Also with commas, semicolons, percent signs and letters of any script in it."""
    text = written(values)
    assert "," not in text
    found = fields(text.split(";"))
    assert {name: value.strip() for name, value in found.items()} == {
        name: value.strip() for name, value in values.items() if value.strip()
    }


@given(st.lists(TEXT.filter(lambda text: bool(text.strip())), max_size=20))
def test_entries_stand_between_commas(hosts: list[str]) -> None:
    """A host may be called anything."""
    found = entries(",".join(encoded(host) for host in hosts), 100)
    whole = [host for host in hosts if len(encoded(host)) <= 4 * MOST_CHARACTERS]
    if len(whole) == len(hosts):
        assert [head(one).strip() for one in found] == [head(encoded(host)).strip() for host in hosts]


def test_no_annotation_is_too_long() -> None:
    """It may have 256 KiB; only so many entries, and so much of each, are read."""
    assert len(entries(",".join(["x"] * 10_000), 7)) == 7
    assert len(head("x" * 10_000)) == MOST_CHARACTERS
    assert entries(None, 7) == entries(" , ,", 7) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-26T03:00:00Z", 1795662000.0),
        (" 2026-11-26T04:00:00+01:00 ", 1795662000.0),
        ("2026-11-26T03:00:00", 1795662000.0),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_a_moment_is_rfc_3339(text: str, found: float | None) -> None:
    """A time without a zone is UTC; nonsense is no time."""
    assert moment(text) == found
    assert moment(until_text(found)) == found


def test_an_address_has_one_form() -> None:
    """However somebody writes it."""
    assert head("fd00:0:0::B;until=x") == "fd00::b"
