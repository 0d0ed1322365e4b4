"""MySQL packets as a server sends them.

Layouts: MySQL source documentation, "Client/Server Protocol", "Connection Phase" and "Text Protocol".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

SALT = b"0123456789abcdefghij"
"""The 20 bytes of a greeting's challenge; a fake needs no random ones."""

_PLUGIN_AUTH, _SECURE, _TLS, _PROTOCOL_41 = 1 << 19, 1 << 15, 1 << 11, 1 << 9


def packet(payload: bytes, sequence: int) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([sequence]) + payload


def greeting(*, tls: bool = False, method: str = "mysql_native_password", version: str = "8.0.0-rogue") -> bytes:
    """HandshakeV10, with the challenge ``SALT``."""
    capabilities = _PLUGIN_AUTH | _SECURE | _PROTOCOL_41 | (_TLS if tls else 0)
    return packet(
        b"\x0a"
        + version.encode()
        + b"\0"
        + struct.pack("<I", 7)
        + SALT[:8]
        + b"\0"
        + struct.pack("<HBHHB", capabilities & 0xFFFF, 45, 2, capabilities >> 16, len(SALT) + 1)
        + bytes(10)
        + SALT[8:]
        + b"\0"
        + method.encode()
        + b"\0",
        0,
    )


def ok(sequence: int) -> bytes:
    return packet(b"\x00\x00\x00\x02\x00\x00\x00", sequence)


def learned(variables: Table, *, status: int = 2) -> bytes:
    """A whole answer to ``LEARN``: the OK of what it sets, and the variables behind it."""
    behind = results(variables, status=status)
    said, at = packet(struct.pack("<BBBHH", 0, 0, 0, status | 8, 0), 1), 0
    while at < len(behind):
        size = int.from_bytes(behind[at : at + 3], "little")
        said += packet(behind[at + 4 : at + 4 + size], behind[at + 3] + 1)
        at += 4 + size
    return said


def error(code: int, text: str, sequence: int, state: str = "HY000") -> bytes:
    return packet(b"\xff" + struct.pack("<H", code) + b"#" + state.encode() + text.encode(), sequence)


def switch(method: str, sequence: int, data: bytes = SALT + b"\0") -> bytes:
    """AuthSwitchRequest."""
    return packet(b"\xfe" + method.encode() + b"\0" + data, sequence)


def more(data: bytes, sequence: int) -> bytes:
    """AuthMoreData."""
    return packet(b"\x01" + data, sequence)


def load_local(path: str, sequence: int) -> bytes:
    """The server's request to send it a file."""
    return packet(b"\xfb" + path.encode(), sequence)


def result(*rows: str | None, kind: int = 0xFD) -> bytes:
    """A whole answer to COM_QUERY: one column of text, these rows, packets numbered from 1."""
    bodies = [b"\x01", _column("1", kind), _eof(), *(b"\xfb" if row is None else _text(row) for row in rows), _eof()]
    return b"".join(packet(body, number % 256) for number, body in enumerate(bodies, 1))


Table = tuple[Sequence[str], Sequence[Sequence[str | None]]]
"""The names of a result's columns, and its rows."""


def results(*tables: Table, status: int = 2, end: bytes = b"") -> bytes:
    """A whole answer to a COM_QUERY of several statements, a result each. ``end``: the payload of an ERR packet that
    stands where the next result would.
    """
    bodies: list[bytes] = []
    for number, (names, rows) in enumerate(tables, 1):
        more = status | 8 * (number < len(tables) or bool(end))
        bodies += [_length(len(names)), *map(_column, names), _eof(more)]
        bodies += [*(b"".join(b"\xfb" if value is None else _text(value) for value in row) for row in rows), _eof(more)]
    bodies += [end] if end else []
    return b"".join(packet(body, number % 256) for number, body in enumerate(bodies, 1))


def denied(code: int, text: str) -> bytes:
    """The payload of an ERR packet."""
    return error(code, text, 0)[4:]


def _column(name: str, kind: int = 0xFD) -> bytes:
    return b"".join(map(_text, ("def", "", "", "", name, ""))) + struct.pack("<BHIBHBH", 12, 45, 4, kind, 0, 0, 0)


def _eof(status: int = 2) -> bytes:
    return b"\xfe\x00\x00" + struct.pack("<H", status)


def _text(value: str) -> bytes:
    data = value.encode()
    return _length(len(data)) + data


def _length(size: int) -> bytes:
    return bytes([size]) if size < 251 else b"\xfc" + struct.pack("<H", size)
