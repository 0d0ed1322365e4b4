"""The README of the chart is what its values say."""

from __future__ import annotations

import yaml

from kube import chart_readme
from kube.chart_readme import Value

TEXT = """\
# Of the first,
# in two lines.
one: 1

two: # a group
  three: [] # empty
  # above
  four: {a: b} # and behind
five: "#"
"""


def test_the_readme_is_of_today() -> None:
    """Else `make docs`."""
    assert chart_readme.README.read_text() == chart_readme.page()


def test_a_value_is_said_by_its_comments() -> None:
    """Those above it and behind it, each with the default as it stands in the file."""
    assert chart_readme.values(TEXT) == [
        Value("one", "1", "Of the first, in two lines."),
        Value("two", "", "a group"),
        Value("two.three", "[]", "empty"),
        Value("two.four", "{a: b}", "above and behind"),
        Value("five", '"#"', ""),
    ]


def test_each_value_has_a_sentence() -> None:
    """Whoever reads the table need not read the templates."""
    text = chart_readme.VALUES.read_text()
    said = chart_readme.values(text)
    assert {value.name.partition(".")[0] for value in said} == set(yaml.safe_load(text))
    assert [value.name for value in said if value.default and not value.note] == []
