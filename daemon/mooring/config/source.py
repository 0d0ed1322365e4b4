"""Parses the bytes of a file, a strict part of YAML, into a tree of values with their places.

It takes PyYAML's events and not its composer, which recurses as deep as the file nests, follows aliases, and silently
takes the last of two equal keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from yaml import events

from mooring.config.node import Broken, Node, child_path
from mooring.config.problems import START, TEMPLATE_HINT, Position, Problems
from mooring.config.scalars import resolve
from mooring.model.errors import ConfigError

MOST_BYTES = 1024 * 1024
MOST_LEVELS = 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEMPLATE = re.compile(r"\s*(\{\{|\{%)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def is_there(path: Path) -> bool:
    """Whether something may bear that name. What we may not look at is there: reading it says why we cannot."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def read(path: Path) -> bytes:
    """The bytes of the file, at most one more than is allowed. Raises ConfigError: Mooring cannot read it."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def tree(data: bytes, problems: Problems) -> Node:
    """The tree of the file's one document.

    Adds duplicate keys, aliases, anchors and tags to ``problems``. Raises ConfigError with all problems so far where
    the text is no YAML: nothing behind that place can be trusted.
    """
    text = _decode(data, problems)
    builder = _Builder(problems, text)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        at = _position(error.problem_mark or error.context_mark)
        why = error.problem or error.context
        problems.stop(at, f"is not valid YAML: {_hint(text, at) or why}")
    except (yaml.YAMLError, ValueError, OverflowError):
        problems.stop(START, "is not valid YAML: holds a character that YAML does not allow")
    if builder.root is None or builder.root.value is None:
        problems.stop(START, "is empty; must hold `version: 1` and `services`")
    return builder.root


def _decode(data: bytes, problems: Problems) -> str:
    if len(data) > MOST_BYTES:
        problems.stop(START, f"is too large; must be at most {MOST_BYTES} bytes (1 MiB)")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        problems.stop(_end(data[: error.start].decode("utf-8")), "is not UTF-8 text")
    if control := _CONTROL.search(text):
        code = f"U+{ord(control[0]):04X}"
        problems.stop(_end(text[: control.start()]), f"is not valid YAML: holds the control character {code}")
    return text


def _hint(text: str, at: Position) -> str | None:
    """The likely mistake of a person, where the message of PyYAML only helps those who know its parser."""
    lines = text.split("\n")[: at.line]
    line = lines[-1] if len(lines) == at.line else ""
    if "\t" in line[: len(line) - len(line.lstrip())] + line[at.column - 1 : at.column]:
        return "a TAB stands where YAML takes only blanks; indent with blanks"
    if "{{" in line or any(_TEMPLATE.match(above) for above in lines):
        return TEMPLATE_HINT
    return None


def _end(text: str) -> Position:
    """The place of the character after this text."""
    lines = text.split("\n")
    return Position(len(lines), len(lines[-1]) + 1)


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else START


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet; ``key`` waits for its value."""

    path: str
    at: Position
    key_at: Position
    fields: dict[str, Node] | None
    items: list[Node] = field(default_factory=list)
    key: tuple[str | None, Position] | None = None
    """The key's text and place. A text of None: the key has its message already, and its value is dropped."""

    @property
    def expects_key(self) -> bool:
        return self.fields is not None and self.key is None

    def child(self, at: Position) -> tuple[str, Position]:
        """The path of the next value, and the place of its key."""
        if self.fields is None:
            return child_path(self.path, len(self.items)), at
        key, key_at = self.key or (None, at)
        return (child_path(self.path, key) if key is not None else self.path), key_at

    def to_node(self) -> Node:
        value = tuple(self.items) if self.fields is None else MappingProxyType(self.fields)
        return Node(value, self.at, self.path, self.key_at)


class _Builder:
    """Builds the tree of one document from its events, without recursion."""

    def __init__(self, problems: Problems, text: str) -> None:
        self.root: Node | None = None
        self._text = text
        self._problems = problems
        self._open: list[_Open] = []

    def take(self, event: Any) -> None:
        at = _position(event.start_mark)
        match event:
            case events.DocumentStartEvent() if self.root is not None:
                self._problems.stop(at, "holds a second document; must be one YAML document")
            case events.AliasEvent():
                self._add_problem(at, "is a YAML alias, which this file must not have; write the value out")
                self._put(Node(Broken.BROKEN, at), None)
            case events.ScalarEvent():
                self._refuse_marks(event, at)
                self._scalar(event, at)
            case events.CollectionStartEvent():
                self._refuse_marks(event, at)
                self._start(isinstance(event, events.MappingStartEvent), at)
            case events.CollectionEndEvent():
                self._put(self._open.pop().to_node(), None)

    def _scalar(self, event: events.ScalarEvent, at: Position) -> None:
        value = event.value if event.style else resolve(event.value)
        self._put(Node(value, at, *self._child(at), text=event.value), event.value)

    def _start(self, mapping: bool, at: Position) -> None:  # noqa: FBT001 -- the two kinds of YAML collection
        if len(self._open) >= MOST_LEVELS:
            self._problems.stop(at, f"is nested too deeply; must be at most {MOST_LEVELS} levels")
        path, key_at = self._child(at)
        self._open.append(_Open(path, at, key_at, {} if mapping else None))

    def _child(self, at: Position) -> tuple[str, Position]:
        return self._open[-1].child(at) if self._open else ("", at)

    def _put(self, node: Node, key: str | None) -> None:
        """Puts a finished node: the root, an item, a key (``key``: its text, None where it is no scalar) or a value."""
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if parent.fields is None:
            parent.items.append(node)
        elif parent.expects_key:
            self._put_key(parent, node, key)
        else:
            self._put_value(parent, parent.fields, node)

    def _put_key(self, parent: _Open, node: Node, key: str | None) -> None:
        if key is None and not node.is_broken:
            hint = _hint(self._text, node.at)
            self._problems.add(node.at, parent.path, hint or "has a key that is no scalar; must be a plain name")
        parent.key = (key, node.at)

    def _put_value(self, parent: _Open, fields: dict[str, Node], node: Node) -> None:
        key, key_at = parent.key or (None, node.at)
        parent.key = None
        if key is None:
            return
        path = child_path(parent.path, key)
        if key in fields:
            first = fields[key].key_at.line
            self._problems.add(key_at, path, f"is written twice, first in line {first}; must be written once")
        else:
            fields[key] = replace(node, path=path, key_at=key_at)

    def _add_problem(self, at: Position, message: str) -> None:
        parent = self._open[-1] if self._open else None
        path = parent.path if parent and parent.expects_key else self._child(at)[0]
        self._problems.add(at, path, message)

    def _refuse_marks(self, event: Any, at: Position) -> None:
        if event.anchor is not None:
            self._add_problem(at, "has a YAML anchor, which this file must not have; remove it")
        if event.tag is not None:
            self._add_problem(at, "has a YAML tag, which this file must not have; remove it")
