"""One object of a watch cache: packed as long as nobody asks for it, parsed once where somebody does.

A namespace may hold thousands of objects of others, of which Mooring needs to know only that they changed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Generic, TypeVar

from mooring.cluster.reading import Json

Value = TypeVar("Value")
_FASTEST = 1


class Held(Generic[Value]):
    """``group`` is what the object belongs to. A ``Held`` never changes, so any thread may ask for its value."""

    __slots__ = ("_packed", "_value", "group", "version")

    def __init__(self, found: Json, version: str, group: str) -> None:
        self.version = version
        self.group = group
        self._packed = zlib.compress(json.dumps(found, separators=(",", ":")).encode(), _FASTEST)
        self._value: Value | None = None

    def value(self, parse: Callable[[Json], Value]) -> Value:
        """The parsed object. Raises what ``parse`` raises."""
        if self._value is None:
            self._value = parse(json.loads(zlib.decompress(self._packed)))
        return self._value
