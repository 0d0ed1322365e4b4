"""Which streams begin with a sound answer, said once more, strictly and in another way than the daemon does.

Each function returns the answer (None where the question has none) and how many bytes it takes; None: not sound.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv6Address
from itertools import count

CAP = 65536

Sound = tuple[str | None, int]
Reference = Callable[[bytes], Sound | None]

_INTEGER = rb"(?:[\x00-\xfa]|\xfc.{2}|\xfd.{3}|\xfe.{8})"
_OK = re.compile(rb"\x00" + _INTEGER + _INTEGER + rb"(?P<status>..)..", re.DOTALL)
_COUNT = re.compile(_INTEGER, re.DOTALL)
_EOF = re.compile(rb"\xfe..(?P<status>..)", re.DOTALL)
_MORE = 8


def redis_ping(stream: bytes) -> Sound | None:
    end = _pong(stream)
    return (None, end) if end else None


def redis_key(stream: bytes) -> Sound | None:
    if not (start := _pong(stream)):
        return None
    found = re.compile(rb":([01])\r\n").match(stream[:CAP], start)
    return found and (found[1].decode(), found.end())


def redis_roles(stream: bytes) -> Sound | None:
    return _texts(stream, None, _pong(stream), 2)


def redis_roles_alone(stream: bytes) -> Sound | None:
    answer, start = redis_key(stream) or (None, None)
    return _texts(stream, answer, start, 1)


def redis_sentinel(stream: bytes) -> Sound | None:
    if not (start := _pong(stream)):
        return None
    if stream[start : start + 5] == b"*-1\r\n" and start + 5 <= CAP:
        return None, start + 5
    if stream[start : start + 4] != b"*2\r\n":
        return None
    host, middle = _bulk(stream, start + 4) or (b"", 0)
    port, end = _bulk(stream, middle) or (b"", 0)
    if not re.fullmatch(rb"[!-~]{1,253}", host) or not re.fullmatch(rb"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        return None
    name = host.decode()
    if b":" in host:
        with suppress(ValueError):
            name = str(IPv6Address(name))
        name = f"[{name}]"
    return f"{name}:{int(port)}", end


def _texts(stream: bytes, answer: str | None, end: int | None, count: int) -> Sound | None:
    """So many texts, each of which may as well be refused: the host is alive without them."""
    for _ in range(count):
        if not end:
            return None
        refused = stream[end : end + 1] == b"-"
        end = _line(stream, end) if refused else (_bulk(stream, end) or (b"", None))[1]
    return (answer, end) if end else None


def _pong(stream: bytes) -> int | None:
    """Where a PONG ends, or the error that only writers mind."""
    end = _line(stream, 0)
    return end if end and re.match(rb"\+PONG\r\n|-MISCONF( |\r\n)", stream) else None


def _line(stream: bytes, start: int) -> int | None:
    end = stream.find(b"\r\n", start, CAP)
    return None if end < 0 else end + 2


def _bulk(stream: bytes, start: int) -> tuple[bytes, int] | None:
    found = re.compile(rb"\$(0|[1-9][0-9]{0,5})\r\n").match(stream[:CAP], start)
    end = found.end() + int(found[1]) if found else CAP
    if not found or stream[end : min(end + 2, CAP)] != b"\r\n":
        return None
    return stream[found.end() : end], end + 2


def mysql_ping(stream: bytes) -> Sound | None:
    for payload, end in _packets(stream):
        found = _OK.match(payload)
        return (None, end) if found and not _flags(found) & _MORE else None
    return None


def mysql_query(stream: bytes) -> Sound | None:
    packets = _packets(stream)
    answer: str | None = None
    try:
        for number in count():
            _, rows, status, end = _result(packets)
            if number == 0 and not rows:
                return None
            answer = answer if number else _text(rows[0][0])
            if not status & _MORE:
                return answer, end
    except (StopIteration, ValueError):
        pass
    return None


def mysql_facts(stream: bytes) -> Sound | None:
    """One row of settings, which says whether the server is read-only, then channels; or no grant for those."""
    packets = _packets(stream)
    try:
        settings, status, _ = _table(packets, _SETTINGS)
        if len(settings) != 1 or not settings[0][0] or not status & _MORE:
            return None
        rows, status, end = _table(_granted(packets), _CHANNELS)
    except _Denied as denied:
        return None, denied.end
    except (StopIteration, ValueError):
        return None
    lags = [row[1] for row in rows if row[0]]
    sound = all(lag is None or re.fullmatch(rb"[0-9]{1,20}", lag) for lag in lags)
    return None if status & _MORE or not sound else (None, end)


_SETTINGS = (b"read_only", b"server_id", b"gtid_binlog_state", b"gtid_slave_pos", b"account")
_CHANNELS = (
    *(b"Master_Host", b"Seconds_Behind_Master", b"Master_Port", b"Slave_IO_Running", b"Slave_SQL_Running"),
    *(b"Last_IO_Errno", b"Last_IO_Error", b"Last_SQL_Errno", b"Last_SQL_Error", b"Master_Server_Id"),
)


class _Denied(Exception):
    def __init__(self, end: int) -> None:
        super().__init__()
        self.end = end


def _granted(packets: Iterator[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    for payload, end in packets:
        if re.match(rb"\xff(\x14\x04|\x76\x04|\x77\x04|\xcb\x04|\x5a\x05)", payload):
            raise _Denied(end)
        yield payload, end


def _table(packets: Iterator[tuple[bytes, int]], wanted: Sequence[bytes]) -> tuple[list[list[bytes | None]], int, int]:
    """The wanted columns of its rows, its status, its end. Raises as ``_result``."""
    described, rows, status, end = _result(packets)
    texts = [_values(one, 5)[0] for one in described]
    if any(None in one for one in texts):
        raise ValueError
    names = [one[4] for one in texts]
    columns = [names.index(name) for name in wanted]
    return [[row[column] for column in columns] for row in rows], status, end


def _packets(stream: bytes) -> Iterator[tuple[bytes, int]]:
    """The packets that are whole, in order and within the cap, as (payload, where it ends)."""
    end = 0
    for number in count(1):
        start = end + 4
        if len(stream) < start:
            return
        low, high, sequence = struct.unpack_from("<HBB", stream, end)
        end = start + (high << 16) + low
        if end > min(len(stream), CAP) or sequence != number % 256 or end == start:
            return
        yield stream[start:end], end


def _result(packets: Iterator[tuple[bytes, int]]) -> tuple[list[bytes], list[list[bytes | None]], int, int]:
    """What describes its columns, its rows, its last status, its end. Raises ValueError, StopIteration: not sound."""
    head, end = next(packets)
    if found := _OK.match(head):
        return [], [], _flags(found), end
    columns = _number(head)
    if not _COUNT.fullmatch(head) or not 1 <= columns <= 4096:
        raise ValueError
    described = [next(packets)[0] for _ in range(columns)]
    if not all(one[:4] == b"\x03def" for one in described) or not _EOF.fullmatch(next(packets)[0]):
        raise ValueError
    rows: list[list[bytes | None]] = []
    for payload, last in packets:
        if payload[0] == 0xFE and len(payload) < 9:
            found = _EOF.fullmatch(payload)
            if not found:
                raise ValueError
            return described, rows, _flags(found), last
        values, behind = _values(payload, columns)
        if behind:
            raise ValueError
        rows.append(values)
    raise ValueError


def _values(payload: bytes, number: int) -> tuple[list[bytes | None], bytes]:
    """So many values, and what comes behind them."""
    values: list[bytes | None] = []
    for _ in range(number):
        if payload[:1] == b"\xfb":
            values.append(None)
            payload = payload[1:]
            continue
        found = _COUNT.match(payload)
        if not found or payload[0] == 0xFF:
            raise ValueError
        size = _number(found[0])
        if len(payload) - found.end() < size:
            raise ValueError
        values.append(payload[found.end() : found.end() + size])
        payload = payload[found.end() + size :]
    return values, payload


def _number(data: bytes) -> int:
    return data[0] if data[0] < 0xFB else int.from_bytes(data[1:], "little")


def _flags(found: re.Match[bytes]) -> int:
    return int.from_bytes(found["status"], "little")


def _text(value: bytes | None) -> str:
    return "NULL" if value is None else value.decode("utf-8", "replace")[:2048]
