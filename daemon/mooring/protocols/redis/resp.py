"""Commands and replies of Redis as bytes, without their meaning; no I/O.

Redis serialization protocol specification, version 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

END = b"\r\n"
_SIZE = re.compile(rb"[$*](0|[1-9][0-9]{0,5})")
_HEADER = 16
"""Bytes within which the line before an element of an array ends."""


class Refused(str):
    """An error reply, without its leading ``-``."""

    __slots__ = ()


class Unsound(Exception):
    """What came is no such reply; the argument is where it begins."""


Reply = Refused | bytes | tuple[bytes, ...] | None
"""Simple strings and integers are the bytes behind their first; None is nil."""


@dataclass(frozen=True, slots=True)
class Command:
    """``kind`` is the first byte of its reply where that is no error, ``sound`` which of those a server may give."""

    words: tuple[str, ...]
    kind: bytes
    sound: Callable[[Reply], bool]


def request(commands: Sequence[Command]) -> bytes:
    """All of them, to be sent in one go."""
    return b"".join(_packed([word.encode("utf-8", "replace") for word in command.words]) for command in commands)


def _packed(words: Sequence[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def take(held: bytearray, start: int, end: int, command: Command) -> tuple[Reply, int] | None:
    """The reply whose first line goes from ``start`` to ``end``, and where it ends; None while it is not whole.

    Raises:
        Unsound: it is neither an error nor what this command may be answered with.
    """
    line = bytes(held[start:end])
    if line.startswith(b"-"):
        return Refused(line[1:].decode("utf-8", "replace")), end + len(END)
    if line[:1] != command.kind:
        raise Unsound(line)
    taken = _rest(held, line, end + len(END))
    if taken is not None and not command.sound(taken[0]):
        raise Unsound(line)
    return taken


def _rest(held: bytearray, line: bytes, start: int) -> tuple[Reply, int] | None:
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


def _item(held: bytearray, start: int) -> tuple[bytes, int] | None:
    end = held.find(END, start, start + _HEADER)
    if end >= 0:
        line = bytes(held[start:end])
        if not line.startswith(b"$"):
            raise Unsound(line)
        return _bulk(held, line, end + len(END))
    if len(held) - start >= _HEADER:
        raise Unsound(bytes(held[start : start + _HEADER]))
    return None


def _size(line: bytes) -> int:
    if not _SIZE.fullmatch(line):
        raise Unsound(line)
    return int(line[1:])
