"""What stands in the packets of MySQL and MariaDB; no I/O.

MySQL source documentation, "Client/Server Protocol", "MySQL Packets", "Text Protocol" and "Generic Response Packets",
with the capabilities that PyMySQL asks for: CLIENT_PROTOCOL_41, and neither CLIENT_DEPRECATE_EOF nor
CLIENT_SESSION_TRACK.
"""

from __future__ import annotations

IN_TRANSACTION, MORE_RESULTS = 0x0001, 0x0008
"""Flags of a status."""

_EOF, _NULL = 0xFE, 0xFB
_WHOLE_EOF = 5
_SIZES = {0xFC: 2, 0xFD: 3, 0xFE: 8}
"""Bytes of a length-encoded integer by its first one."""


class Broken(Exception):
    """The server speaks something else than this protocol."""


def ends_part(payload: bytes) -> bool:
    """Whether this is an EOF and no row: a value that begins with the same byte takes eight more for its length."""
    return payload[0] == _EOF and len(payload) <= _SIZES[_EOF]


def status_of_ok(payload: bytes) -> int:
    """``00``, affected rows, last id, status, warnings, and what else it says. Raises Broken."""
    _, at = integer(payload, 1)
    _, at = integer(payload, at)
    if len(payload) < at + 4:
        raise Broken("sends an OK that is cut short")
    return int.from_bytes(payload[at : at + 2], "little")


def status_of_eof(payload: bytes) -> int:
    """``FE``, warnings, status. Raises Broken."""
    if payload[0] != _EOF or len(payload) != _WHOLE_EOF:
        raise Broken("ends a part of a result with something else than EOF")
    return int.from_bytes(payload[3:], "little")


def first_of(row: bytes, columns: int) -> bytes | None:
    """The first value of a row, None where it is NULL. Raises Broken, unless the row has just so many."""
    at, values = 0, []
    for _ in range(columns):
        if row[at : at + 1] == b"\xfb":
            size, start = None, at + 1
        else:
            size, start = integer(row, at)
        at = start + (size or 0)
        values.append(None if size is None else row[start:at])
    if at != len(row):
        raise Broken("sends a row that does not fit its columns")
    return values[0]


def integer(payload: bytes, at: int) -> tuple[int, int]:
    """A length-encoded integer, and where it ends. Raises Broken."""
    first = payload[at] if at < len(payload) else _NULL
    if first < _NULL:
        return first, at + 1
    end = at + 1 + _SIZES.get(first, len(payload))
    if len(payload) < end:
        raise Broken("sends a number that is none")
    return int.from_bytes(payload[at + 1 : end], "little"), end
