"""Parses the packets of MySQL and MariaDB; no I/O.

MySQL source documentation, "Client/Server Protocol", "MySQL Packets", "Text Protocol" and "Generic Response Packets",
with the capabilities that PyMySQL asks for: CLIENT_PROTOCOL_41, and neither CLIENT_DEPRECATE_EOF nor
CLIENT_SESSION_TRACK.
"""

from __future__ import annotations

from mooring.protocols.framed import Broken

IN_TRANSACTION, MORE_RESULTS = 0x0001, 0x0008
"""Flags of a status."""

_EOF, _NULL = 0xFE, 0xFB
_WHOLE_EOF = 5
_CATALOG = b"\x03def"
_COLUMNS = 4096
"""Columns that a result may have at most (MySQL: "Limits on Table Column Count")."""
_SIZES = {0xFC: 2, 0xFD: 3, 0xFE: 8}
"""Bytes of a length-encoded integer by its first one."""


def ends_part(payload: bytes) -> bool:
    """Whether this is an EOF and no row: a row that begins with the same byte has eight more for a length."""
    return payload[0] == _EOF and len(payload) <= _SIZES[_EOF]


def status_of_ok(payload: bytes) -> int:
    """The status flags of an OK: ``00``, affected rows, last id, status, warnings, text. Raises Broken."""
    _, at = integer(payload, 1)
    _, at = integer(payload, at)
    if len(payload) < at + 4:
        raise Broken("sends an OK that is cut short")
    return int.from_bytes(payload[at : at + 2], "little")


def status_of_eof(payload: bytes) -> int:
    """The status flags of an EOF: ``FE``, warnings, status. Raises Broken."""
    if payload[0] != _EOF or len(payload) != _WHOLE_EOF:
        raise Broken("ends a part of a result without an EOF")
    return int.from_bytes(payload[3:], "little")


def columns_of_head(payload: bytes) -> int:
    """The number of columns of a result, by its first packet. Raises Broken."""
    if payload[0] == _NULL:
        raise Broken("asks for a file of Mooring's machine")
    columns, end = integer(payload, 0)
    if end != len(payload) or not 0 < columns <= _COLUMNS:
        raise Broken("begins a result without its number of columns")
    return columns


def check_description(payload: bytes, *, last: bool) -> None:
    """Checks a packet between the first one of a result and its rows; the last is an EOF. Raises Broken."""
    if last:
        status_of_eof(payload)
    elif not payload.startswith(_CATALOG):
        raise Broken("sends a column description that is malformed")


def name_of(description: bytes) -> bytes:
    """A column's name. Catalogue, schema, table and original table stand before it. Raises Broken."""
    at = 0
    for _ in range(4):
        size, at = integer(description, at)
        at += size
    size, at = integer(description, at)
    if len(description) < at + size:
        raise Broken("sends a column description that is malformed")
    return description[at : at + size]


def values(row: bytes, columns: int) -> list[bytes | None]:
    """The values of a row, None for NULL. Raises Broken unless the row has exactly so many."""
    at, end, found = 0, len(row), list[bytes | None]()
    for _ in range(columns):
        size = row[at] if at < end else _NULL + 1
        at += 1
        if size >= _NULL:
            if size == _NULL:
                found.append(None)
                continue
            size, at = integer(row, at - 1)
        found.append(row[at : at + size])
        at += size
    if at != end:
        raise Broken("sends a row that does not fit its columns")
    return found


def integer(payload: bytes, at: int) -> tuple[int, int]:
    """A length-encoded integer, and where it ends. Raises Broken."""
    first = payload[at] if at < len(payload) else _NULL
    if first < _NULL:
        return first, at + 1
    end = at + 1 + _SIZES.get(first, len(payload))
    if len(payload) < end:
        raise Broken("sends a malformed number")
    return int.from_bytes(payload[at + 1 : end], "little"), end
