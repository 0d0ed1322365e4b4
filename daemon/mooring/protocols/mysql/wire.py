"""What the errors and answers of MySQL and MariaDB mean, and the readers of their answers; no I/O.

The table of error codes is `errors.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.framed import Broken, FramedReader
from mooring.protocols.mysql.errors import CODES
from mooring.protocols.mysql.packets import (
    IN_TRANSACTION,
    MORE_RESULTS,
    check_description,
    columns_of_head,
    ends_part,
    status_of_eof,
    status_of_ok,
    values,
)

QUESTION = "SELECT 1 /*!50705 , @@global.offline_mode */"
"""Every account may ask it. From 5.7.5 on MySQL adds whether it turns clients away: it lets in accounts that may end
sessions of others even then. MariaDB and older servers ignore the comment."""
_WITH_OFFLINE = 2
"""Columns of the answer of a server that has the setting."""

ANSWER_LIMIT = 2048
"""Characters of an answer that Mooring keeps; ``expect`` has fewer, so a cut answer never matches."""

ENDED = frozenset(
    {
        1053,  # shutting down
        1317,  # the statement was interrupted: KILL, and of the session too on MySQL
        1927,  # the session was killed (MariaDB)
        3169,  # the session was killed (MySQL)
        4031,  # the session was idle for longer than wait_timeout (MySQL)
    }
)
"""Errors by which a server ends a session: no evidence yet about the next login."""

_CLIENTS_OWN = range(2000, 3000)
"""Codes of client libraries, and of proxies that pass them on: the server itself has sent nothing."""

_NO_SERVER_BEHIND = frozenset({9001, 9002})
"""ProxySQL's own codes (ER_PROXYSQL_MAX_CONN_TIMEOUT, ER_PROXYSQL_MAX_CONN_FAILURES): it reaches no server. Two proxies
with the same servers behind them say it at once, and that is no fault of Mooring's."""


def refusal(code: int, text: str, *, greeted: bool = True) -> Observation:
    """What an error of the server means.

    ``code`` 0: an error without a number. A code that no table knows is `protocol`, with itself as the cause where the
    server has ``greeted``: it runs, and may give the same error to Mooring at every host.
    """
    said = f"{code}: {text}" if code else text
    reason = CODES.get(code)
    if reason is not None:
        return Observation(reason, said)
    foreign = not code or not greeted or code in _CLIENTS_OWN or code in _NO_SERVER_BEHIND
    return Observation(Reason.PROTOCOL, said, cause="" if foreign else f"mysql:{code}")


def late_word(data: bytes) -> Observation:
    """What the first bytes mean that the server sends to a login after its deadline. Never raises."""
    payload = data[4:]
    if payload[:1] == b"\xff":
        return refusal(*_parse_error(payload), greeted=True)
    return Observation(Reason.OK if payload[:1] == b"\0" else Reason.PROTOCOL)


def _parse_error(payload: bytes) -> tuple[int, str]:
    """Code and text of an ERR packet, which may have an SQL state between them."""
    text = payload[9:] if payload[3:4] == b"#" else payload[3:]
    return int.from_bytes(payload[1:3], "little"), text.decode("utf-8", "replace")


def alive(rows: Sequence[Sequence[object]] | None) -> Observation:
    """What the answer to ``QUESTION`` means; None: an OK packet instead of rows."""
    if rows is None:
        return Observation(Reason.PROTOCOL, "answers SELECT 1 without a result")
    said = [[_as_text(value) if isinstance(value, bytes) else value for value in row] for row in rows]
    if said not in ([["1"]], [["1", "0"]], [["1", "1"]]):
        return Observation(Reason.PROTOCOL, "answers SELECT 1 with another value than 1")
    return Observation(Reason.OFFLINE, "offline_mode=1") if said == [["1", "1"]] else Observation(Reason.OK)


def shows_offline(rows: Sequence[Sequence[object]] | None) -> bool:
    """Whether the answer to ``QUESTION`` says if the server turns clients away."""
    return rows is not None and len(rows) == 1 and len(rows[0]) == _WITH_OFFLINE


def answer(rows: Sequence[Sequence[object]] | None) -> Observation:
    """What the answer to the query of the file means; ``answer``: the first column of the first row, as text."""
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


class ReplyParser(FramedReader):
    """Cuts the bytes into packets and checks their order; a subclass takes them one by one."""

    __slots__ = ("_sequence",)

    def __init__(self) -> None:
        super().__init__()
        self._sequence = 1

    def _read(self) -> Answer | None:
        while (packet := self._packet()) is not None:
            sequence, payload = packet
            due, self._sequence = sequence == self._sequence, (sequence + 1) % 256
            if payload[:1] == b"\xff" and (due or sequence == 0):
                return self._error_answer(payload, keep=due)
            if not due or not payload:
                raise Broken("sends packets out of order" if payload else "sends an empty packet")
            if (answer := self._take(payload)) is not None:
                return answer
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

    def _error_answer(self, payload: bytes, *, keep: bool) -> Answer:
        """The answer of an ERR packet. Its number is 0 where the server sends it unasked before it hangs up."""
        if len(payload) < 3:  # noqa: PLR2004 -- the mark and the code
            raise Broken("sends an error without a code")
        code, text = _parse_error(payload)
        lost = code in ENDED
        seen = self._refusal(code, text) if keep else refusal(code, text)
        return Answer(seen, keep=keep and not lost, lost=lost)

    def _refusal(self, code: int, text: str) -> Observation:
        return refusal(code, text)

    def _take(self, payload: bytes) -> Answer | None:
        raise NotImplementedError


class Ping(ReplyParser):
    """COM_PING."""

    __slots__ = ()
    request = _PING
    known_answers = _PONGS

    def _take(self, payload: bytes) -> Answer | None:
        if payload[0] or status_of_ok(payload) & MORE_RESULTS:
            raise Broken("answers COM_PING without an OK")
        return _ALIVE


class Query(ReplyParser):
    """COM_QUERY and its text result. Of several results (CALL) the first is the answer."""

    __slots__ = ("_columns", "_found", "_row", "_undescribed", "request")

    def __init__(self, query: str) -> None:
        super().__init__()
        self.request = command(query)
        self._found: Observation | None = None
        self._begin()

    def _begin(self) -> None:
        self._columns = 0
        self._undescribed = 0
        self._row: Sequence[bytes | None] | None = None

    def _take(self, payload: bytes) -> Answer | None:
        if not self._columns:
            return self._head(payload)
        if not self._undescribed and ends_part(payload):
            return self._end(status_of_eof(payload), [] if self._row is None else [self._row])
        if self._undescribed:
            self._describe(payload)
        else:
            row = values(payload, self._columns)
            self._row = self._row or row
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
        self._found = self._found or self._meaning(rows)
        if status & MORE_RESULTS:
            self._begin()
            return None
        # An open transaction (autocommit=0) would answer from its first snapshot for ever.
        return Answer(self._found, keep=not status & IN_TRANSACTION)

    def _meaning(self, rows: Sequence[Sequence[object]] | None) -> Observation:
        return answer(rows)


class Alive(Query):
    """``QUESTION`` in place of COM_PING, where a server may turn everybody else away."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(QUESTION)

    def _meaning(self, rows: Sequence[Sequence[object]] | None) -> Observation:
        return alive(rows)


@lru_cache(maxsize=1024)
def command(query: str) -> bytes:
    """The packet of a COM_QUERY."""
    said = b"\x03" + query.encode("utf-8", "replace")
    return len(said).to_bytes(3, "little") + b"\x00" + said
