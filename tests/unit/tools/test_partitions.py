"""The table of partitions in docs/limits.md, which the code that votes decides."""

from __future__ import annotations

import pytest

from partitions import LEADER, PAGE, SECOND, THIRD, leaves, page, table


def test_the_table_is_up_to_date() -> None:
    """Nobody edits it by hand; otherwise run `make docs`."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)


def test_it_has_every_partition() -> None:
    """Each set of replicas that cannot reach the host, by each set of standbys that cannot reach the API server."""
    head, _, *rows = table()
    assert (len(rows), {row.count("|") for row in rows}, head.count("|")) == (8, {4}, 4)


@pytest.mark.parametrize(
    ("silent", "cut", "out"),
    [
        ({LEADER}, set(), False),
        ({LEADER}, {THIRD}, False),
        ({LEADER}, {SECOND, THIRD}, True),
        ({LEADER, SECOND}, set(), True),
        ({LEADER, SECOND}, {SECOND}, False),
        ({LEADER, SECOND}, {THIRD}, True),
        ({LEADER, SECOND, THIRD}, set(), True),
    ],
)
def test_the_majority_of_those_that_vote_decides(silent: set[str], cut: set[str], out: bool) -> None:  # noqa: FBT001 -- table
    """Half of them is no majority; a leader whom nobody hears decides alone."""
    assert leaves(silent, cut) is out


def test_a_page_without_a_place_for_it_is_an_error() -> None:
    """Both marks must stand there."""
    with pytest.raises(ValueError, match="end of partitions"):
        page("# A page\n")
