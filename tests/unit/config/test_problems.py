"""The problems of one file, collected and reported."""

from __future__ import annotations

import pytest

from mooring.config.problems import MOST_PROBLEMS, START, Position, Problems, quoted
from mooring.model.errors import ConfigError


def told(problems: Problems) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        problems.raise_if_any()
    return caught.value.problems


def test_no_problem_is_no_error() -> None:
    """A good file raises nothing."""
    Problems("f").raise_if_any()


def test_problems_come_in_the_order_of_the_file() -> None:
    """Line 2 comes before line 10, whichever problem was found first."""
    problems = Problems("f")
    for line, column in [(10, 1), (2, 9), (2, 10), (1, 3)]:
        problems.add(Position(line, column), "a", "b")
    assert told(problems) == ("f:1:3: a: b", "f:2:9: a: b", "f:2:10: a: b", "f:10:1: a: b")


def test_the_same_problem_is_reported_once() -> None:
    """A wrong default that a hundred Services inherit is one problem."""
    problems = Problems("f")
    for _ in range(100):
        problems.add(Position(3, 5), "defaults.check", "is wrong")
    assert told(problems) == ("f:3:5: defaults.check: is wrong",)


def test_a_flood_of_problems_is_bounded() -> None:
    """A file of garbage does not flood a log; the rest is counted."""
    problems = Problems("f")
    for line in range(MOST_PROBLEMS + 234):
        problems.add(Position(line + 1, 1), "", "is wrong")
    sentences = told(problems)
    assert len(sentences) == MOST_PROBLEMS + 1
    assert sentences[-1] == "f: and 234 problems more"


def test_what_stops_the_reading_comes_with_what_was_found_before() -> None:
    """A duplicate key in line 2 is not forgotten because line 9 is no YAML."""
    problems = Problems("f")
    problems.add(Position(2, 1), "a", "is written twice")
    with pytest.raises(ConfigError) as caught:
        problems.stop(Position(9, 1), "is not valid YAML")
    assert caught.value.problems == ("f:2:1: a: is written twice", "f:9:1: is not valid YAML")
    assert str(caught.value) == "f:2:1: a: is written twice\nf:9:1: is not valid YAML"


def test_a_text_of_the_file_is_shown_as_its_user_wrote_it() -> None:
    """In any script."""
    assert quoted("数据库 é") == '"数据库 é"'


def test_a_text_of_the_file_is_escaped_and_cut() -> None:
    """Nothing in a file can colour a terminal, break a line of a log or fill it."""
    assert quoted("a\x1b[31m\n\u202e") == '"a\\u001b[31m\\n\\u202e"'
    assert quoted('\x7f\u2028\ud800"\\') == '"\\u007f\\u2028\\ud800\\"\\\\"'
    assert len(quoted("x" * 10_000)) < 100
    assert START == (1, 1)
