"""Values that know where they stand."""

from __future__ import annotations

import pytest

from mooring.config.node import Node, child_path, nearest
from mooring.config.problems import START, Problems
from mooring.config.source import tree

Keys = tuple[str | int, ...]


def node(text: str) -> Node:
    return tree(text.encode(), Problems("f"))


@pytest.mark.parametrize(
    ("parent", "key", "path"),
    [
        ("", "services", "services"),
        ("services", 0, "services[0]"),
        ("services[0]", "name", "services[0].name"),
        ("a", "b c", 'a."b c"'),
        ("a", "x" * 100, 'a."' + "x" * 64 + '..."'),
    ],
)
def test_a_path_reads_as_people_write_it(parent: str, key: str | int, path: str) -> None:
    """Keys of the file are dotted, entries are counted from 0, odd keys are quoted."""
    assert child_path(parent, key) == path


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("0.5", 0.5), ("-2", -2), ("true", None), ("'1'", None), (".nan", None), (".inf", None), ("[]", None)],
)
def test_only_a_finite_number_is_a_number(text: str, number: float | None) -> None:
    """Rules between fields skip a value that is no number: the field's own rule reports it."""
    assert node(f"a: {text}").number("a") == number
    assert node(f"b: {text}").number("a") is None


def test_a_text_is_asked_for_by_its_key() -> None:
    """What is no text counts as absent; null counts as absent too."""
    root = node("{a: x, b: 1, c: ~, d: {e: y}}")
    assert [root.string(key) for key in "abcd"] == ["x", None, None, None]
    assert [root.has(key) for key in "abcx"] == [True, True, False, False]
    found = root.get("d", "e")
    assert found is not None
    assert found.value == "y"
    assert root.get("a", "e") is None


@pytest.mark.parametrize(
    ("keys", "path", "left"),
    [
        ((), "", ()),
        (("a", 1, "b"), "a[1].b", ()),
        (("a", 1, "c"), "a[1]", ("c",)),
        (("a", 5, "c"), "a", (5, "c")),
        (("x", 0), "", ("x", 0)),
    ],
)
def test_the_nearest_place_of_what_is_missing(keys: Keys, path: str, left: Keys) -> None:
    """A missing field is reported at the block that should hold it."""
    found, rest = nearest(node("a: [1, {b: 2}]"), keys)
    assert (found.path, rest) == (path, left)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{name: x}", '"x"'),
        ("{name: 1e400}", "1e400"),
        ("{name: [x]}", "a list"),
        ("{name: {passwordFile: x}}", "a mapping"),
        ("{name: }", "null"),
        ("{passwordFile: s3cret}", ""),
        ("{Password: 12345}", ""),
        ("{clientSecret: x}", ""),
        ("{apiToken: x}", ""),
    ],
)
def test_what_could_be_a_secret_is_never_shown(text: str, shown: str) -> None:
    """A password that stands where its file should be named stays out of every message."""
    (child,) = node(text).fields.values()
    assert child.shown() == shown


def test_a_node_is_not_changed_by_its_copy() -> None:
    """Merging makes new nodes; the tree that was read stays as it is."""
    root = node("a: 1")
    other = root.with_fields(b=Node(2, START, "b"))
    assert (root.plain(), other.plain()) == ({"a": 1}, {"a": 1, "b": 2})
