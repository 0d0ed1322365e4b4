"""The table of docs/servers.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.matrix.versions import VERSIONS
from support.servers_table import BEGIN, END, cells, replaced, table

DOCUMENT = Path(__file__).parents[3] / "docs" / "servers.md"


def test_the_document_has_what_the_tests_show() -> None:
    """`make matrix` writes it; a test that is added or taken away leaves it behind until then."""
    text = DOCUMENT.read_text()
    assert replaced(text, cells()) == text


def test_a_table_has_a_row_for_each_feature_and_a_column_for_each_version() -> None:
    """Sorted by the features' names; the servers as they stand in the list."""
    first, second = VERSIONS[0].title, VERSIONS[1].title
    head, _, *rows = table([("login", first), ("login", second), ("account", second)]).splitlines()
    assert head.split(" | ") == ["Shown on", *(version.title for version in VERSIONS)]
    assert [row.split(" | ")[:3] for row in rows] == [["account", "-", "yes"], ["login", "yes", "yes"]]


def test_only_what_stands_between_the_marks_is_written_anew() -> None:
    """Once more changes nothing."""
    text = f"before\n{BEGIN}\nold\n{END}\nbehind\n"
    new = replaced(text, [("login", VERSIONS[0].title)])
    assert new.startswith(f"before\n{BEGIN}\n\nShown on | ")
    assert new.endswith(f"\n\n{END}\nbehind\n")
    assert replaced(new, [("login", VERSIONS[0].title)]) == new


def test_a_document_without_the_marks_is_an_error() -> None:
    """Nothing is written to another one."""
    with pytest.raises(ValueError, match="lacks"):
        replaced("text", [])
