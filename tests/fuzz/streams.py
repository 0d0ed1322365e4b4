"""Streams of bytes that are almost what a server says."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from itertools import pairwise

from support import packets

_EDGES = (0x00, 0x01, 0x02, 0x08, 0x0A, 0x0D, 0x2B, 0x2D, 0x3A, 0x7F, 0x80, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF)
_LONG = 70_000
"""Beyond the cap of an answer."""
_SELDOM, _ENDLESS = 0.9990, 0.9995


def _numbered(*payloads: bytes) -> bytes:
    return b"".join(packets.packet(payload, number % 256) for number, payload in enumerate(payloads, 1))


def _eof(status: int) -> bytes:
    return b"\xfe\x00\x00" + struct.pack("<H", status)


_COLUMN = b"\x03def\x00\x00\x00\x011\x00\x0c\x3f\x00\x01\x00\x00\x00\x03\x81\x00\x00\x00\x00"
_ERRORS = [
    packets.error(1927, "Connection was killed", 0, "70100"),
    packets.error(1053, "Server shutdown in progress", 1, "08S01"),
    packets.error(1040, "Too many connections", 0),
    packets.error(1317, "Query execution was interrupted", 5, "70100"),
]

MYSQL_PING: Sequence[bytes] = [
    packets.ok(1),
    _numbered(b"\x00\xfc\x01\x00\xfe12345678\x02\x00\x00\x00and more"),
    packets.ok(1) + packets.ok(1),
    *_ERRORS,
]

MYSQL_QUERY: Sequence[bytes] = [
    packets.result("1"),
    packets.result("ON", None, ""),
    packets.result(None),
    packets.result(),
    packets.result("x" * 300, "y" * 20),
    _numbered(b"\x03", _COLUMN, _COLUMN, _COLUMN, _eof(2), b"\x011\xfb\x00", b"\xfb\xfb\xfb", _eof(0x22)),
    _numbered(b"\x01", _COLUMN, _eof(2), b"\x017", _eof(0x0A), b"\x00\x00\x00\x02\x00\x00\x00"),
    _numbered(b"\x01", _COLUMN, _eof(2), b"\x017", _eof(0x0A), b"\x01", _COLUMN, _eof(2), b"\xfb", _eof(2)),
    _numbered(b"\x01", _COLUMN, _eof(3), b"\x017", _eof(3)),
    _numbered(b"\x01", _COLUMN, _eof(0x28), packets.error(1317, "interrupted", 0)[4:]),
    packets.ok(1),
    packets.load_local("/etc/passwd", 1),
    *_ERRORS,
]

_SETTINGS: packets.Table = (
    ["read_only", "server_id", "gtid_binlog_state", "gtid_slave_pos", "account"],
    [["0", "1", "0-1-7", "", "probe@%"]],
)
_CHANNELS: packets.Table = (
    [
        *("Master_Host", "Master_Port", "Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master"),
        *("Last_IO_Errno", "Last_IO_Error", "Last_SQL_Errno", "Last_SQL_Error", "Master_Server_Id"),
    ],
    [
        ["10.20.0.11", "3306", "Yes", "Yes", "0", "0", "", "0", "", "1"],
        ["::1", "3306", "No", "No", None, "2003", "x", "1062", "y", "0"],
    ],
)

MYSQL_FACTS: Sequence[bytes] = [
    packets.results(_SETTINGS, _CHANNELS),
    packets.results(_SETTINGS, (_CHANNELS[0], [])),
    packets.results(_SETTINGS, (list(reversed(_CHANNELS[0])), [list(reversed(row)) for row in _CHANNELS[1]])),
    packets.results(_SETTINGS, end=packets.denied(1227, "Access denied")),
    packets.results(_SETTINGS, _CHANNELS, _CHANNELS),
    packets.results(_SETTINGS),
    packets.ok(1),
    *_ERRORS,
]

REDIS_PING: Sequence[bytes] = [
    b"+PONG\r\n",
    b"+PONG\r\n+PONG\r\n",
    b"$4\r\nPONG\r\n",
    b"*1\r\n$4\r\nPONG\r\n",
    b"-LOADING Redis is loading the dataset in memory\r\n",
    b"-ERR max number of clients reached\r\n",
    b"-NOAUTH Authentication required.\r\n",
    b"-MISCONF Redis is configured to save RDB snapshots\r\n",
    b"-MISCONF\r\n",
]

REDIS_KEY: Sequence[bytes] = [
    b"+PONG\r\n:0\r\n",
    b"+PONG\r\n:1\r\n",
    b"+PONG\r\n:0\r\n:1\r\n",
    b"-LOADING Redis is loading\r\n-LOADING Redis is loading\r\n",
    b"-NOPERM no PING\r\n:0\r\n",
    b"+PONG\r\n-NOPERM no EXISTS\r\n",
]


def _text(*lines: str) -> bytes:
    text = "".join(f"{line}\r\n" for line in lines).encode()
    return b"$%d\r\n%s\r\n" % (len(text), text)


_MASTER = _text("# Replication", "role:master", "min_slaves_good_slaves:0", f"master_replid:{'8a' * 20}")
_SLAVE = _text(
    "role:slave",
    "master_host:fd00::0:11",
    "master_port:6379",
    "master_link_status:down",
    "master_last_io_seconds_ago:-1",
    "master_link_down_since_seconds:5",
    "slave_repl_offset:12345678901234567890",
)
_CLUSTER = _text("cluster_state:fail", "cluster_slots_assigned:0")
_NO_CLUSTER = b"-ERR This instance has cluster support disabled\r\n"

REDIS_ROLES: Sequence[bytes] = [
    b"+PONG\r\n" + _MASTER + _NO_CLUSTER,
    b"+PONG\r\n" + _SLAVE + _CLUSTER,
    b"-MISCONF no\r\n" + _MASTER + _CLUSTER,
    b"-MASTERDOWN Link with MASTER is down\r\n" + _SLAVE + _NO_CLUSTER,
    b"-LOADING Redis is loading\r\n" + _MASTER + b"-LOADING Redis is loading\r\n",
    b"+PONG\r\n-NOPERM no INFO\r\n-NOPERM no CLUSTER\r\n",
    b"+PONG\r\n$0\r\n\r\n$-1\r\n",
    b"-ERR max number of clients reached\r\n",
]

REDIS_ROLES_ALONE: Sequence[bytes] = [
    b"+PONG\r\n:0\r\n" + _MASTER,
    b"-MISCONF no\r\n:1\r\n" + _SLAVE + b"+PONG\r\n",
    b"+PONG\r\n-NOPERM no EXISTS\r\n" + _MASTER,
    b"+PONG\r\n:0\r\n$20\r\nrole:master\r\nrole:slave\r\n",
]

REDIS_SENTINEL: Sequence[bytes] = [
    b"+PONG\r\n*2\r\n$10\r\n10.20.0.12\r\n$4\r\n6379\r\n",
    b"+PONG\r\n*2\r\n$10\r\nfd00::0:11\r\n$5\r\n65535\r\n",
    b"+PONG\r\n*2\r\n$15\r\ndb1.example.com\r\n$4\r\n6379\r\n+PONG\r\n",
    b"+PONG\r\n*-1\r\n",
    b"+PONG\r\n*2\r\n$-1\r\n$4\r\n6379\r\n",
    b"+PONG\r\n-ERR unknown command 'SENTINEL'\r\n",
    b"-NOPERM no PING\r\n*-1\r\n",
]


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with up to four faults; now and then noise, or more than anybody may say."""
    kind = chance.random()
    if kind < 0.02:
        return chance.randbytes(chance.randrange(64))
    stream = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 4))):
        _harm(chance, stream, seeds)
    if kind > _ENDLESS:
        return _many_rows(chance.randrange(1, 5))
    if kind > _SELDOM:
        place = chance.randrange(len(stream) + 1)
        stream[place:place] = bytes([chance.choice(_EDGES)]) * _LONG
    return bytes(stream)


def _many_rows(size: int) -> bytes:
    """A result whose rows, of so many bytes each, end beyond the cap."""
    rows = [bytes([size]) + b"x" * size] * (_LONG // (size + 5))
    return _numbered(b"\x01", _COLUMN, _eof(2), *rows, _eof(2))


def _harm(chance: random.Random, stream: bytearray, seeds: Sequence[bytes]) -> None:
    place = chance.randrange(len(stream) + 1)
    match chance.randrange(8):
        case 0:
            stream[place : place + 1] = bytes([chance.choice(_EDGES)])
        case 1:
            stream[place : place + 1] = chance.randbytes(1)
        case 2:
            del stream[place : place + chance.randrange(1, 9)]
        case 3:
            stream[place:place] = stream[place : place + chance.randrange(1, 9)]
        case 4:
            del stream[place:]
        case 5:
            stream += chance.choice(seeds)
        case 6:
            _grow(stream, place, chance.choice(_EDGES))
        case _:
            other = chance.choice(seeds)
            stream[place:] = other[chance.randrange(len(other)) :]


def _grow(stream: bytearray, place: int, byte: int) -> None:
    """One byte more in a packet of MySQL, whose length says so."""
    head = 0
    while head + 4 < len(stream):
        end = head + 4 + int.from_bytes(stream[head : head + 3], "little")
        if head + 4 <= place <= end:
            stream[place:place] = bytes([byte])
            stream[head] = (stream[head] + 1) % 256
            return
        head = end


def cuts(chance: random.Random, stream: bytes) -> list[bytes]:
    """The stream in up to four pieces, or byte by byte where it is short."""
    if len(stream) < 64 and chance.random() < 0.1:
        return [stream[place : place + 1] for place in range(len(stream))]
    places = sorted(chance.randrange(len(stream) + 1) for _ in range(chance.randrange(1, 4)))
    bounds = [0, *places, len(stream)]
    return [stream[start:end] for start, end in pairwise(bounds)]
