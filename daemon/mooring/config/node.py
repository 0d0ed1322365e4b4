"""The file as a tree of values with their places."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from mooring.config.problems import START, Position, quoted
from mooring.config.scalars import Scalar

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SECRET_KEY = re.compile(r"(password|secret|token)[a-z]*$", re.IGNORECASE)
_NO_FIELDS: Mapping[str, Node] = MappingProxyType({})


class Broken(enum.Enum):
    """Stands for a value that has its message already; later checks skip it."""

    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file. ``key_at`` is the place of its key; in a list, of the value itself.

    ``text`` is a scalar as written, "" for a mapping and a list.
    """

    value: Scalar | Broken | tuple[Node, ...] | Mapping[str, Node]
    at: Position
    path: str = ""
    key_at: Position = START
    text: str = ""

    @property
    def fields(self) -> Mapping[str, Node]:
        return self.value if isinstance(self.value, Mapping) else _NO_FIELDS

    @property
    def items(self) -> tuple[Node, ...]:
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, Mapping)

    @property
    def is_broken(self) -> bool:
        return self.value is Broken.BROKEN

    def get(self, *keys: str) -> Node | None:
        node: Node | None = self
        for key in keys:
            node = node.fields.get(key) if node else None
        return node

    def string(self, key: str) -> str | None:
        """The text under the key; None where it is absent or not a text."""
        node = self.get(key)
        return node.value if node and isinstance(node.value, str) else None

    def number(self, key: str) -> float | None:
        """The finite number under the key; None where it is absent or not such a number."""
        value = node.value if (node := self.get(key)) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value if abs(value) < float("inf") else None

    def has(self, key: str) -> bool:
        """Whether the key is there, and not null."""
        node = self.get(key)
        return node is not None and node.value is not None

    def with_fields(self, **changed: Node) -> Node:
        return replace(self, value=MappingProxyType({**self.fields, **changed}))

    def plain(self) -> object:
        """The value without places: a dict, list or scalar."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return None if isinstance(self.value, Broken) else self.value

    def shown(self) -> str:
        """The value in words for a message; "" where it could be a secret."""
        if isinstance(self.value, Mapping):
            return "a mapping"
        if isinstance(self.value, tuple):
            return "a list"
        if self.value is None:
            return "null"
        if _SECRET_KEY.search(self.path):
            return ""
        return quoted(self.value) if isinstance(self.value, str) else self.text[:64]


def child_path(parent: str, key: str | int) -> str:
    """``services`` and 0 make ``services[0]``; ``services[0]`` and ``name`` make ``services[0].name``."""
    if isinstance(key, int):
        return f"{parent}[{key}]"
    shown = key if _PLAIN_KEY.fullmatch(key) else quoted(key)
    return f"{parent}.{shown}" if parent else shown


def nearest(root: Node, keys: Sequence[str | int]) -> tuple[Node, tuple[str | int, ...]]:
    """The deepest node that exists along the keys, and the keys that are left."""
    node = root
    for index, key in enumerate(keys):
        child = _child(node, key)
        if child is None:
            return node, tuple(keys[index:])
        node = child
    return node, ()


def _child(node: Node, key: str | int) -> Node | None:
    if isinstance(key, int):
        return node.items[key] if key < len(node.items) else None
    return node.fields.get(key)
