"""Describes what a field may hold, in words made from its JSON Schema: for messages and for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from mooring.protocols.options import Block

Schema = Mapping[str, Any]


class Untitled(GenerateJsonSchema):
    """Leaves out titles made of field names: in these schemas a title describes in words what a pattern allows."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 -- pydantic's signature
        return False


@cache
def field_schemas(block: type[Block]) -> Schema:
    """The JSON Schema of each field, by its name in the file."""
    schema = block.model_json_schema(schema_generator=Untitled)
    fields: Schema = schema.get("properties", {})
    return fields


def allowed(schema: Schema) -> str:
    """What a value must be, in words, as "a number from 0.05 to 3600"."""
    if arms := schema.get("anyOf"):
        return ", or ".join(allowed(arm) for arm in arms if arm.get("type") != "null")
    if "title" in schema and schema.get("type") != "object":
        return str(schema["title"])
    if "const" in schema or "enum" in schema:
        return _either([str(value) for value in schema.get("enum", [schema.get("const")])])
    return _BY_TYPE.get(schema.get("type", "object"), _mapping)(schema)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _mapping(_: Schema) -> str:
    return "a mapping"


def _boolean(_: Schema) -> str:
    return "true or false"


def _number(schema: Schema) -> str:
    kind, shape = ("a whole number", "d") if schema["type"] == "integer" else ("a number", "g")
    return f"{kind} from {schema['minimum']:{shape}} to {schema['maximum']:{shape}}"


def _string(schema: Schema) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    return f"a text of {least} to {most} characters" if most else "a text"


def _array(schema: Schema) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    return f"a list of {least} to {most} entries" if most else f"a list of {least} or more entries"


_BY_TYPE = {
    "object": _mapping,
    "boolean": _boolean,
    "number": _number,
    "integer": _number,
    "string": _string,
    "array": _array,
}
