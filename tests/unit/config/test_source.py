"""Bytes made a tree that knows its places."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.config.problems import Position, Problems
from mooring.config.source import MOST_BYTES, MOST_LEVELS, is_there, read, tree
from mooring.model.errors import ConfigError


def problems_of(data: bytes) -> tuple[str, ...]:
    problems = Problems("f")
    with pytest.raises(ConfigError) as caught:  # noqa: PT012 -- problems are told by the one or by the other
        tree(data, problems)
        problems.raise_if_any()
    return caught.value.problems


STOPS = {
    "not UTF-8": (b"a: 1\nb: \xff", "f:2:4: is not UTF-8 text"),
    "UTF-16": ("a: 1".encode("utf-16"), "f:1:1: is not UTF-8 text"),
    "NUL": (b"a: \x00", "f:1:4: is not valid YAML: holds the control character U+0000"),
    "escape": (b"a: 1\n\x1b[31m", "f:2:1: is not valid YAML: holds the control character U+001B"),
    "too large": (b"#" * (MOST_BYTES + 1), "f:1:1: is too large; must be at most 1048576 bytes (1 MiB)"),
    "open list": (b"a: [1, 2", "f:2:1: is not valid YAML: did not find expected ',' or ']'"),
    "open quote": (b'a: "b', "f:1:6: is not valid YAML: found unexpected end of stream"),
    "tab": (b"a:\n\tb: 1", "f:2:1: is not valid YAML: a TAB stands where YAML takes only blanks; indent with blanks"),
    "surrogate": (rb'a: "\ud800"', "f:1:7: is not valid YAML: found invalid Unicode character escape code"),
    "endless code": (rb'a: "\UFFFFFFFF"', "f:1:7: is not valid YAML: found invalid Unicode character escape code"),
    "nothing": (b"", "f:1:1: is empty; must hold `version: 1` and `services`"),
    "byte order mark": (b"\xef\xbb\xbf", "f:1:1: is empty; must hold `version: 1` and `services`"),
    "null": (b"--- ~\n...\n", "f:1:1: is empty; must hold `version: 1` and `services`"),
}


@pytest.mark.parametrize(("data", "expected"), STOPS.values(), ids=STOPS)
def test_a_text_that_is_no_document_stops_the_reading(data: bytes, expected: str) -> None:
    """Where the text is no YAML, the message has the place, and nothing is guessed."""
    assert problems_of(data) == (expected,)


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ("{a: ", "}"), ("- ", "")], ids=["list", "map", "block"])
def test_deep_nesting_is_refused_before_it_costs_anything(opened: str, closed: str) -> None:
    """A hundred thousand levels are refused as too deep, and overflow no stack."""
    data = (opened * 100_000 + closed * 100_000).encode()
    (problem,) = problems_of(data)
    assert problem.endswith(f"is nested too deeply; must be at most {MOST_LEVELS} levels")


def test_the_deepest_allowed_file_is_read() -> None:
    """The limit itself is allowed."""
    data = ("[" * MOST_LEVELS + "]" * MOST_LEVELS).encode()
    assert tree(data, Problems("f")).items


def test_each_value_knows_its_place_its_path_and_its_key() -> None:
    """Line and column count from 1, in characters and not in bytes."""
    root = tree('é: {"b": [1, x]}\nlist:\n  - k: v\n'.encode(), Problems("f"))
    node = root.get("é", "b")
    assert node is not None
    assert (node.at, node.key_at) == (Position(1, 10), Position(1, 5))
    assert node.items[1].at == Position(1, 14)
    assert root.fields["list"].items[0].fields["k"].path == "list[0].k"
    assert node.items[1].path == '"é".b[1]'


def test_quotes_make_a_text() -> None:
    """A quoted number, boolean or null is a text; without quotes it is not."""
    data = b"""{a: "1", b: 'true', c: "", d: 1, e: true, f: }"""
    assert tree(data, Problems("f")).plain() == {"a": "1", "b": "true", "c": "", "d": 1, "e": True, "f": None}


def test_block_texts_are_texts() -> None:
    """Literal and folded scalars are texts, also where they look like numbers."""
    assert tree(b"a: |-\n  1\nb: >-\n  x\n  y\n", Problems("f")).plain() == {"a": "1", "b": "x y"}


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["without", "with"])
def test_a_byte_order_mark_is_no_part_of_the_file(mark: str) -> None:
    """Editors that put a mark in front do not move a complaint."""
    assert problems_of(f"{mark}a: 1\na: 2".encode()) == (
        "f:2:1: a: is written twice, first in line 1; must be written once",
    )


def test_of_two_equal_keys_none_wins_in_silence() -> None:
    """Every further one is complained about, at its own place."""
    assert problems_of(b"a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n") == (
        "f:2:11: b.c: is written twice, first in line 2; must be written once",
        "f:3:1: a: is written twice, first in line 1; must be written once",
        "f:4:1: a: is written twice, first in line 1; must be written once",
    )


def test_nothing_is_aliased_anchored_or_tagged() -> None:
    """Each mark of YAML's own is reported at its place, as a key, a value or an item."""
    assert problems_of(b"&r a: &x 1\nb: *x\n*x : 2\nc: [*x, !!str 3]\n!k d: 4\n") == (
        "f:1:1: has a YAML anchor, which this file must not have; remove it",
        "f:1:7: a: has a YAML anchor, which this file must not have; remove it",
        "f:2:4: b: is a YAML alias, which this file must not have; write the value out",
        "f:3:1: is a YAML alias, which this file must not have; write the value out",
        "f:4:5: c[0]: is a YAML alias, which this file must not have; write the value out",
        "f:4:9: c[1]: has a YAML tag, which this file must not have; remove it",
        "f:5:1: has a YAML tag, which this file must not have; remove it",
    )


def test_a_billion_laughs_cost_nothing() -> None:
    """Aliases are not followed, however often they are nested."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert len(problems_of("\n".join(lines).encode())) == 40 + 2 * 39


def test_a_key_that_is_no_scalar_loses_its_value_only() -> None:
    """What follows it is still read."""
    problems = Problems("f")
    assert tree(b"? [a, b]\n: {c: d}\n? {e: f}\n: [1]\ng: 1\n", problems).plain() == {"g": 1}
    with pytest.raises(ConfigError, match="has a key that is no scalar"):
        problems.raise_if_any()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, a folder and an impossible path each give one sentence."""
    for path, why in [
        (tmp_path / "none.yaml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (Path("a\0b"), "embedded null byte"),
    ]:
        with pytest.raises(ConfigError) as caught:
            read(path)
        assert caught.value.problems == (f"{path}: cannot be read: {why}",)


def test_a_huge_file_is_not_read_to_its_end() -> None:
    """An endless file costs a mebibyte."""
    assert len(read(Path("/dev/zero"))) == MOST_BYTES + 1


def test_what_may_not_be_looked_at_is_there(tmp_path: Path) -> None:
    """Whoever reads it learns why it cannot; only what nothing bears that name of is missing."""
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "none")
    (tmp_path / "file").touch()
    assert not is_there(tmp_path / "file" / "below")
    assert is_there(tmp_path / ("a" * 300))
    assert is_there(Path("\0"))
