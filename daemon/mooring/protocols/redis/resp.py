"""Encodes commands and parses replies of Redis, without their meaning; no I/O.

Redis serialization protocol specification, version 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

END = b"\r\n"
_SIZE = re.compile(rb"[$*](0|[1-9][0-9]{0,5})")
_HEADER = 16
"""Bytes that the line before an element of an array may have at most."""


class Refused(str):
    """An error reply, without its leading ``-``."""

    __slots__ = ()


class Unsound(Exception):
    """The bytes are no valid reply to the command; the argument is the line that shows it."""


Reply = Refused | bytes | tuple[bytes, ...] | None
"""Simple strings and integers are the bytes behind their type byte; None is nil."""


@dataclass(frozen=True, slots=True)
class Command:
    """``kind`` is the type byte of its reply where that is no error; ``sound``: whether a reply is a valid one.

    ``nested``: an array may hold integers and arrays, too; the reply is all their elements in one row.
    """

    words: tuple[str, ...]
    kind: bytes
    sound: Callable[[Reply], bool]
    nested: bool = False


def request(commands: Sequence[Command]) -> bytes:
    """The bytes of all commands, to be sent in one go."""
    return b"".join(_pack([word.encode("utf-8", "replace") for word in command.words]) for command in commands)


def _pack(words: Sequence[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def take(held: bytearray, start: int, end: int, command: Command) -> tuple[Reply, int] | None:
    """The reply whose first line goes from ``start`` to ``end``, and where it ends; None while it is not whole.

    Raises:
        Unsound: it is neither an error nor a valid reply to this command.
    """
    line = bytes(held[start:end])
    if line.startswith(b"-"):
        return Refused(line[1:].decode("utf-8", "replace")), end + len(END)
    if line[:1] != command.kind:
        raise Unsound(line)
    taken = _nested(held, line, end + len(END)) if command.nested else _body(held, line, end + len(END))
    if taken is not None and not command.sound(taken[0]):
        raise Unsound(line)
    return taken


def _body(held: bytearray, line: bytes, start: int) -> tuple[Reply, int] | None:
    if line[:1] not in b"$*":
        return line[1:], start
    if line[1:] == b"-1":
        return None, start
    return _bulk(held, line, start) if line.startswith(b"$") else _array(held, line, start)


def _bulk(held: bytearray, line: bytes, start: int) -> tuple[bytes, int] | None:
    end = start + _size(line)
    if len(held) < end + len(END):
        return None
    if not held.startswith(END, end):
        raise Unsound(line)
    return bytes(held[start:end]), end + len(END)


def _array(held: bytearray, line: bytes, start: int) -> tuple[tuple[bytes, ...], int] | None:
    items: list[bytes] = []
    for _ in range(_size(line)):
        item = _item(held, start)
        if item is None:
            return None
        items.append(item[0])
        start = item[1]
    return tuple(items), start


def _nested(held: bytearray, line: bytes, start: int) -> tuple[tuple[bytes, ...], int] | None:
    """Counts what is to come instead of going down into each array: a peer decides how deep they are."""
    items: list[bytes] = []
    to_come = _size(line)
    while to_come:
        to_come -= 1
        head = _head(held, start)
        if head is None:
            return None
        line, after = head
        if line.startswith(b"*"):
            to_come += _size(line)
            start = after
            continue
        item = (line[1:], after) if line.startswith(b":") else _item(held, start)
        if item is None:
            return None
        items.append(item[0])
        start = item[1]
    return tuple(items), start


def _item(held: bytearray, start: int) -> tuple[bytes, int] | None:
    head = _head(held, start)
    if head is None:
        return None
    line, after = head
    if not line.startswith(b"$"):
        raise Unsound(line)
    return _bulk(held, line, after)


def _head(held: bytearray, start: int) -> tuple[bytes, int] | None:
    """The first line of an element, and where the next one begins; None while it is not whole."""
    end = held.find(END, start, start + _HEADER)
    if end >= 0:
        return bytes(held[start:end]), end + len(END)
    if len(held) - start >= _HEADER:
        raise Unsound(bytes(held[start : start + _HEADER]))
    return None


def _size(line: bytes) -> int:
    if not _SIZE.fullmatch(line):
        raise Unsound(line)
    return int(line[1:])
