"""What the words of MySQL and MariaDB mean, and the talk over a held session; no I/O.

Codes: MySQL 8 Error Reference, "Server Error Message Reference"; MariaDB Knowledge Base, "MariaDB Error Code
Reference".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from mooring.model import Observation
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.mysql.packets import (
    IN_TRANSACTION,
    MORE_RESULTS,
    Broken,
    check_description,
    columns_of_head,
    ends_part,
    status_of_eof,
    status_of_ok,
    values,
)
from mooring.reasons import Reason

QUESTION = "SELECT 1"

ANSWER_LIMIT = 2048
"""Characters of an answer that are kept; more than ``expect`` can have, so cutting makes no answer match."""

CODES: Mapping[int, Reason] = MappingProxyType(
    {
        1040: Reason.SATURATED,  # too many connections
        1203: Reason.SATURATED,  # the account has max_user_connections already
        1044: Reason.AUTH,  # access to the database denied
        1045: Reason.AUTH,  # access denied
        1049: Reason.AUTH,  # unknown database
        1130: Reason.AUTH,  # host is not allowed to connect
        1142: Reason.AUTH,  # command denied on a table
        1143: Reason.AUTH,  # command denied on a column
        1226: Reason.AUTH,  # the account's own limit for each hour
        1227: Reason.AUTH,  # a privilege is missing
        1251: Reason.AUTH,  # login method not supported by the client
        1370: Reason.AUTH,  # command denied on a routine
        1524: Reason.AUTH,  # the account's login plugin is not loaded
        1698: Reason.AUTH,  # access denied, by a method without password
        1820: Reason.AUTH,  # the password must be changed first
        1862: Reason.AUTH,  # the password has expired
        3118: Reason.AUTH,  # the account is locked (MySQL)
        3159: Reason.AUTH,  # only TLS is let in
        3955: Reason.AUTH,  # the account is locked after failed logins (MySQL)
        4151: Reason.AUTH,  # the account is locked (MariaDB)
        1129: Reason.BLOCKED,  # too many connection errors from our address
        1053: Reason.OFFLINE,  # shutting down
        3032: Reason.OFFLINE,  # offline_mode
        3168: Reason.OFFLINE,  # the server is not available
        1047: Reason.NOT_SYNCED,  # Galera: the node is not prepared for use
        1064: Reason.LOCAL,  # a syntax error: the query of the file is wrong, not the host
    }
)
"""What an error code says of the host; any other: it answers, but not as it should."""

ENDED = frozenset(
    {
        1053,  # shutting down
        1317,  # the statement was interrupted: KILL, and of the session too on MySQL
        1927,  # the session was killed (MariaDB)
        3169,  # the session was killed (MySQL)
        4031,  # the session was idle for longer than wait_timeout (MySQL)
    }
)
"""What a server says as it ends a session that it had let in: nothing yet about the next login."""

TURNED_AWAY = frozenset({1045, 1251, 1698})
"""Refusals that only a server in working order makes; they pass where no user is configured."""


def refusal(code: int, text: str, *, anonymous: bool = False) -> Observation:
    """What an error of the server means. ``anonymous``: we logged in, after its greeting, as a user that need not be.

    ``code`` 0 stands for an error without a number.
    """
    said = f"{code}: {text}" if code else text
    if anonymous and code in TURNED_AWAY:
        return Observation(Reason.OK, f"turned our login away politely ({said})")
    return Observation(CODES.get(code, Reason.PROTOCOL), said)


def alive(rows: Sequence[Sequence[object]] | None) -> Observation:
    """What the answer to ``SELECT 1`` means; None: an OK packet instead of rows."""
    if rows is None:
        return Observation(Reason.PROTOCOL, f"answers {QUESTION} without a result")
    if [list(row) for row in rows] != [["1"]]:
        return Observation(Reason.PROTOCOL, f"answers {QUESTION} with something else than 1")
    return Observation(Reason.OK)


def answer(rows: Sequence[Sequence[object]] | None) -> Observation:
    """What the answer to a question of the user's own means: the first column of the first row, as text."""
    if rows is None:
        return Observation(Reason.PROTOCOL, "answers the query without a result")
    if not rows or not rows[0]:
        return Observation(Reason.OFFLINE, "answers the query with no row")
    return Observation(Reason.OK, answer=_as_text(rows[0][0])[:ANSWER_LIMIT])


def _as_text(value: object) -> str:
    if value is None:
        return "NULL"
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_ALIVE = Answer(Observation(Reason.OK))

_PING = b"\x01\x00\x00\x00\x0e"
_OK_HEAD = b"\x07\x00\x00\x01\x00\x00\x00"
_PONGS = {_OK_HEAD + status + b"\x00\x00": _ALIVE for status in (b"\x02\x00", b"\x00\x00")}
"""The usual answers to COM_PING, byte for byte: with autocommit and without."""


class Talk:
    """Cuts the stream into packets, in their order; a subclass takes them one by one."""

    __slots__ = ("_at", "_held", "_sequence")

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0
        self._sequence = 1

    def feed(self, data: bytes) -> Answer | None:
        room = CAP - len(self._held)
        self._held += data[:room]
        try:
            answer = self._packets()
        except Broken as broken:
            return Answer(Observation(Reason.PROTOCOL, str(broken)), keep=False)
        if answer is None or not answer.keep or self._at == len(self._held) + len(data[room:]):
            return answer
        return Answer(answer.observation, bytes(self._held[self._at :]) + data[room:])

    def _packets(self) -> Answer | None:
        while (packet := self._packet()) is not None:
            sequence, payload = packet
            due, self._sequence = sequence == self._sequence, (sequence + 1) % 256
            if payload[:1] == b"\xff" and (due or sequence == 0):
                return self._refused(payload, keep=due)
            if not due or not payload:
                raise Broken("sends packets out of order" if payload else "sends an empty packet")
            if (answer := self._take(payload)) is not None:
                return answer
        if len(self._held) >= CAP:
            raise Broken(f"sends more than {CAP} bytes")
        return None

    def _packet(self) -> tuple[int, bytes] | None:
        held, start = self._held, self._at + 4
        if len(held) < start:
            return None
        end = start + int.from_bytes(held[self._at : start - 1], "little")
        if end > CAP:
            raise Broken(f"sends more than {CAP} bytes")
        if len(held) < end:
            return None
        self._at = end
        return held[start - 1], bytes(held[start:end])

    def _refused(self, payload: bytes, *, keep: bool) -> Answer:
        """An ERR packet; one that nobody asked for has the number 0, as a server sends it before it hangs up."""
        if len(payload) < 3:  # noqa: PLR2004 -- the mark and the code
            raise Broken("sends an error without a code")
        code = int.from_bytes(payload[1:3], "little")
        text = (payload[9:] if payload[3:4] == b"#" else payload[3:]).decode("utf-8", "replace")
        lost = code in ENDED
        seen = self._refusal(code, text) if keep else refusal(code, text)
        return Answer(seen, keep=keep and not lost, lost=lost)

    def _refusal(self, code: int, text: str) -> Observation:
        return refusal(code, text)

    def _take(self, payload: bytes) -> Answer | None:
        raise NotImplementedError


class Ping(Talk):
    """COM_PING."""

    __slots__ = ()
    request = _PING

    def feed(self, data: bytes) -> Answer | None:
        usual = None if self._held else _PONGS.get(data)
        return super().feed(data) if usual is None else usual

    def _take(self, payload: bytes) -> Answer | None:
        if payload[0] or status_of_ok(payload) & MORE_RESULTS:
            raise Broken("answers COM_PING with something else than OK")
        return _ALIVE


class Query(Talk):
    """COM_QUERY and its text result; of several results (CALL) the first is the answer."""

    __slots__ = ("_columns", "_found", "_row", "_undescribed", "request")

    def __init__(self, query: str) -> None:
        super().__init__()
        self.request = command(query)
        self._found: Observation | None = None
        self._begin()

    def _begin(self) -> None:
        self._columns = 0
        self._undescribed = 0
        self._row: tuple[bytes | None] | None = None

    def _take(self, payload: bytes) -> Answer | None:
        if not self._columns:
            return self._head(payload)
        if not self._undescribed and ends_part(payload):
            return self._end(status_of_eof(payload), [] if self._row is None else [self._row])
        if self._undescribed:
            self._describe(payload)
        else:
            first = values(payload, self._columns)[0]
            self._row = self._row or (first,)
        return None

    def _head(self, payload: bytes) -> Answer | None:
        if payload[0] == 0:
            return self._end(status_of_ok(payload), None)
        self._columns = columns_of_head(payload)
        self._undescribed = self._columns + 1
        return None

    def _describe(self, payload: bytes) -> None:
        self._undescribed -= 1
        check_description(payload, last=self._undescribed == 0)

    def _end(self, status: int, rows: Sequence[Sequence[object]] | None) -> Answer | None:
        self._found = self._found or answer(rows)
        if status & MORE_RESULTS:
            self._begin()
            return None
        # A transaction that stays open (autocommit=0) would answer from its first snapshot for ever.
        return Answer(self._found, keep=not status & IN_TRANSACTION)


@lru_cache(maxsize=1024)
def command(query: str) -> bytes:
    """The packet of a COM_QUERY."""
    said = b"\x03" + query.encode("utf-8", "replace")
    return len(said).to_bytes(3, "little") + b"\x00" + said
