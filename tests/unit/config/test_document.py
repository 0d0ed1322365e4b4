"""What is generated from the models: the schema and the reference page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mooring.config.document import files, main, page, schema
from mooring.config.limits import allowed
from mooring.protocols.registry import PROTOCOLS

ROOT = Path(__file__).parents[3]


def fields(block: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from block.get("properties", {}).items()
    for definition in block.get("$defs", {}).values():
        yield from fields(definition)


@pytest.mark.parametrize("path", files())
def test_what_is_generated_is_up_to_date(path: str) -> None:
    """The schema and the page in the repository are those of this version; otherwise run `make docs`."""
    assert (ROOT / path).read_text(encoding="utf-8") == files()[path]


def test_generating_writes_both(tmp_path: Path) -> None:
    """`make docs` writes them into a checkout."""
    main([str(tmp_path)])
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in files()} == files()


def test_the_schema_names_its_dialect() -> None:
    """Editors know by the first line how to read it."""
    assert next(iter(schema().items())) == ("$schema", "https://json-schema.org/draft/2020-12/schema")


def test_every_field_is_described() -> None:
    """No field stands in the file without a sentence of its meaning, in the schema and on the page."""
    text = page()
    for name, field in fields(schema()):
        assert field["description"].endswith("."), name
        cell = field["description"].replace("|", "\\|")
        assert f"`{name}` | {cell}" in text


def test_unknown_fields_are_refused_by_the_schema_too() -> None:
    """An editor underlines a misspelt field in every block."""
    blocks = [schema(), *schema()["$defs"].values()]
    assert all(block["additionalProperties"] is False for block in blocks)


def test_the_short_form_of_a_host_is_in_the_schema() -> None:
    """An editor accepts an address alone."""
    arms = schema()["$defs"]["ServiceBlock"]["properties"]["hosts"]["items"]["anyOf"]
    assert [arm.get("type") for arm in arms] == ["string", None]


def test_every_protocol_has_its_block_on_the_page() -> None:
    """A protocol of the registry is documented without further ado, with the rules between its fields."""
    text = page()
    for name, protocol in PROTOCOLS.items():
        assert f"## `{name}`\n" in text
        assert all(f"{rule.subject} needs {rule.wanted}." in text for rule in protocol.options.needs)
    assert "\n`allowDonor` needs `role: primary` or `role: replica`.\n" in text
    assert "\n`maxReplicationLagSeconds` needs `role: replica`.\n" in text
    assert text.count("\n`user` needs `passwordFile`.\n") == 2


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "number", "minimum": 0.05, "maximum": 3600}, "a number from 0.05 to 3600"),
        ({"type": "integer", "minimum": 1, "maximum": 65535}, "a whole number from 1 to 65535"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "string"}, "a text"),
        ({"type": "string", "maxLength": 9}, "a text of 0 to 9 characters"),
        ({"type": "string", "title": "an absolute path", "pattern": "^/"}, "an absolute path"),
        ({"const": 1, "type": "integer"}, "1"),
        ({"enum": ["a", "b", "c"], "type": "string"}, "a, b or c"),
        ({"type": "array", "minItems": 1}, "a list of 1 or more entries"),
        ({"type": "array", "maxItems": 5}, "a list of 0 to 5 entries"),
        ({"$ref": "#/$defs/X"}, "a mapping"),
        ({"type": "object", "title": "X"}, "a mapping"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "true or false"),
        ({"anyOf": [{"type": "boolean"}, {"$ref": "X"}]}, "true or false, or a mapping"),
    ],
)
def test_limits_are_reported_in_words(part: dict[str, Any], words: str) -> None:
    """Messages and the page describe the allowed values in the same words."""
    assert allowed(part) == words
