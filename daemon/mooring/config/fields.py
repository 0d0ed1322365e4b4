"""Validates each field by itself, and turns the errors of pydantic into messages with their places in the file."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mooring.config.limits import Schema, allowed, field_schemas
from mooring.config.models import FileBlock
from mooring.config.node import Node, child_path, nearest
from mooring.config.problems import Problems
from mooring.protocols.options import Block

Loc = tuple[str | int, ...]


def validate(root: Node, problems: Problems) -> FileBlock | None:
    """The merged tree as models; None where it does not fit them: then each reason is in ``problems``."""
    try:
        return FileBlock.model_validate(root.plain())
    except ValidationError as error:
        for found in error.errors(include_url=False, include_context=False, include_input=False):
            _complain(root, found, problems)
        return None


def _complain(root: Node, found: ErrorDetails, problems: Problems) -> None:
    node, missing = nearest(root, found["loc"])
    if node.is_broken:
        return
    if missing:
        path = child_path(node.path, missing[0])
        problems.add(node.at, path, f"is missing; must be {_allowed_values(found['loc'])}")
    elif found["type"] == "extra_forbidden":
        problems.add(node.key_at, node.path, _unknown(found["loc"]))
    else:
        problems.add(node.at, node.path, _wrong(node, found))


def _wrong(node: Node, found: ErrorDetails) -> str:
    if found["type"] in {"too_short", "too_long"}:
        return f"must be {_allowed_values(found['loc'])}, has {len(node.items)}"
    shown = node.shown()
    wanted = _allowed_values(found["loc"])
    hint = "; put it in quotes" if wanted.startswith("a text") and node.text and shown == node.text else ""
    return f"must be {wanted}" + (f", is {shown}" if shown else "") + hint


def _unknown(loc: Loc) -> str:
    block, name = _owner(loc)
    known = list(field_schemas(block))
    if close := get_close_matches(str(name), known, n=1, cutoff=0.7):
        return f"is no field here; did you mean {close[0]}?"
    return f"is no field here; there are {', '.join(known)}" if known else "is no field here; must have no fields"


def _allowed_values(loc: Loc) -> str:
    if not loc:
        return "a mapping"
    if not isinstance(loc[-1], int):
        return allowed(_schema(loc))
    arms = _schema(loc[:-1]).get("anyOf") or [_schema(loc[:-1])]
    return next(allowed(arm["items"]) for arm in arms if "items" in arm)


def _schema(loc: Loc) -> Schema:
    block, name = _owner(loc)
    schema: Schema = field_schemas(block)[str(name)]
    return schema


def _owner(loc: Loc) -> tuple[type[Block], str | int]:
    """The block of an error, and the field or the index in a list that it is about."""
    block: type[Block] = FileBlock
    for key in loc[:-1]:
        if isinstance(key, str):
            block = block_of(block, key)
    return block, loc[-1] if loc else 0


def block_of(block: type[Block], alias: str) -> type[Block]:
    """The block that a field, by its name in the file, holds; ``block`` itself where it holds none."""
    fields = block.model_fields.values()
    annotation = next(info.annotation for info in fields if info.alias == alias)
    return next(_blocks(annotation), block)


def _blocks(annotation: Any) -> Iterator[type[Block]]:
    if isinstance(annotation, type) and issubclass(annotation, Block):
        yield annotation
    for inner in get_args(annotation):
        yield from _blocks(inner)
