"""What a field may hold, in words."""

from __future__ import annotations

import pytest

from mooring.config.limits import Schema, allowed, field_schemas
from mooring.config.models import CheckTimes, FileBlock


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "boolean"}, "true or false"),
        ({"type": "integer", "minimum": 1, "maximum": 100}, "a whole number from 1 to 100"),
        ({"type": "number", "minimum": 0.05, "maximum": 3600}, "a number from 0.05 to 3600"),
        ({"type": "string"}, "a text"),
        ({"type": "string", "minLength": 1, "maxLength": 64}, "a text of 1 to 64 characters"),
        ({"type": "string", "pattern": "x", "title": "an IP address"}, "an IP address"),
        ({"type": "array", "minItems": 1}, "a list of 1 or more entries"),
        ({"type": "array", "minItems": 1, "maxItems": 2}, "a list of 1 to 2 entries"),
        ({"type": "object", "title": "A block"}, "a mapping"),
        ({"$ref": "#/$defs/Block"}, "a mapping"),
        ({"const": "one", "type": "string"}, "one"),
        ({"enum": ["a", "b", "c"]}, "a, b or c"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "true or false"),
        ({"anyOf": [{"type": "boolean"}, {"type": "string"}]}, "true or false, or a text"),
    ],
)
def test_a_schema_is_said_in_words(schema: Schema, words: str) -> None:
    """The same in messages and on the reference page."""
    assert allowed(schema) == words


def test_the_fields_of_a_block_stand_by_their_names_in_the_file() -> None:
    """So that an unknown field can be compared with them."""
    assert {"periodSeconds", "timeoutSeconds"} <= set(field_schemas(CheckTimes))
    assert set(field_schemas(FileBlock)) == {"version", "defaults", "services"}
