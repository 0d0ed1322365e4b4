"""Ends the sessions of named users on MySQL and MariaDB.

MySQL 8 Reference Manual, "KILL Statement" and "The INFORMATION_SCHEMA PROCESSLIST Table"; MariaDB Knowledge Base,
"KILL" and "GRANT".

Without PROCESS the list silently shows only Mooring's own sessions, so Mooring first reads a table that needs this
privilege. To end sessions of others it needs one more (``rights.py``). It spares replicas that log in as a named user,
and the server's own threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import Answer
from mooring.protocols.framed import Broken
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.mysql.packets import check_description, columns_of_head, ends_part, status_of_ok, values
from mooring.protocols.mysql.rights import quote_account, rights_of
from mooring.protocols.mysql.wire import ReplyParser, command, refusal
from mooring.protocols.results import MOST_SESSIONS, KillResult
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.talk import ask

SEES_ALL = "SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1"
WHO = "SELECT CONCAT(VERSION(), ' ', CURRENT_USER())"
OWN = (
    "SELECT ID FROM information_schema.PROCESSLIST WHERE ID = {} AND ID <> CONNECTION_ID() "
    "AND USER = SUBSTRING_INDEX(USER(), '@', 1)"
)
_NO_SUCH_THREAD = 1094
_NOT_OWNER = 1095
_LACKS = frozenset({_NOT_OWNER, 1227})
"""Not the owner of the session; a privilege is missing."""
_DONE = Answer(Observation(Reason.OK))


def kill(line: BoundedSocket, _options: MysqlOptions, users: tuple[str, ...], result: KillResult) -> None:
    """Ends at most ``MOST_SESSIONS`` sessions; one that has ended meanwhile is no error.

    Raises:
        Failure: the connection cannot be used any more.
    """
    try:
        _ask(line, SEES_ALL)
        numbers = _ask(line, listing(users))
        for refused in _kill(line, numbers[:MOST_SESSIONS], result):
            result.note_error(_with_advice(line, refused))
        if len(numbers) > MOST_SESSIONS:
            result.note_error(f"there are more than {MOST_SESSIONS} sessions; the others stay")
    except _Refused as refused:
        result.note_error(_with_advice(line, refused))


def listing(users: tuple[str, ...]) -> str:
    """The statement that lists one session more than Mooring ends. It compares names as bytes, as a login does."""
    named = ", ".join(f"0x{user.encode().hex()}" for user in users)
    return (
        f"SELECT ID FROM information_schema.PROCESSLIST WHERE CAST(USER AS BINARY) IN ({named}) "  # noqa: S608 -- names in hexadecimal end no string
        "AND ID <> CONNECTION_ID() AND COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon', 'Killed') "
        f"ORDER BY ID LIMIT {MOST_SESSIONS + 1}"
    )


def end_own(line: BoundedSocket, connection_id: int) -> None:
    """Ends a connection of the account that is logged in here, which needs no grant. One that is gone is no error.

    Mooring first asks whose it is: behind a proxy the session of another account may have this id. What the server
    refuses stays: Mooring then awaits its end.

    Raises:
        Failure: the connection cannot be used any more.
    """
    with suppress(_Refused):
        if _ask(line, OWN.format(connection_id)):
            _ask(line, f"KILL {connection_id}")


class _Refused(Exception):
    """The server has answered with an ERR packet."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


def _kill(line: BoundedSocket, numbers: list[bytes], result: KillResult) -> Iterator[_Refused]:
    """Ends these sessions and yields the first refusal: the others have the same reason."""
    refusals = []
    for number in numbers:
        if not number.isdigit():
            raise Failure(Reason.PROTOCOL, "lists a session without a number")
        try:
            _ask(line, f"KILL {number.decode()}")
            result.count += 1
        except _Refused as refused:
            if refused.code != _NO_SUCH_THREAD:
                refusals.append(refused)
    yield from refusals[:1]


def _with_advice(line: BoundedSocket, refused: _Refused) -> str:
    if refused.code not in _LACKS:
        return str(refused)
    version, _, account = _ask(line, WHO)[0].decode("utf-8", "replace").rpartition(" ")
    rights, to = rights_of(version), quote_account(account)
    more = ""
    if refused.code == _NOT_OWNER and rights.kill_privileged:
        more = f"; for sessions of accounts that have it also GRANT {rights.kill_privileged} TO {to}"
    return f"needs GRANT {rights.kill} TO {to} ({refused}){more}"


class _FirstColumn(ReplyParser):
    """One statement, and the first column of its result (no value NULL); empty where there is no result."""

    __slots__ = ("_columns", "_undescribed", "refused", "request", "values")

    def __init__(self, statement: str) -> None:
        super().__init__()
        self.request = command(statement)
        self.refused: _Refused | None = None
        self.values: list[bytes] = []
        self._columns = self._undescribed = 0

    def _refusal(self, code: int, text: str) -> Observation:
        self.refused = _Refused(code, text)
        return refusal(code, text)

    def _take(self, payload: bytes) -> Answer | None:
        if not self._columns:
            if payload[0] == 0:
                status_of_ok(payload)
                return _DONE
            self._columns = columns_of_head(payload)
            self._undescribed = self._columns + 1
        elif self._undescribed:
            self._undescribed -= 1
            check_description(payload, last=self._undescribed == 0)
        elif ends_part(payload):
            return _DONE
        elif (value := values(payload, self._columns)[0]) is None:
            raise Broken("answers with NULL")
        else:
            self.values.append(value)
        return None


def _ask(line: BoundedSocket, statement: str) -> list[bytes]:
    """Raises _Refused, Failure."""
    question = _FirstColumn(statement)
    answer = ask(line, question)
    if question.refused is not None:
        raise question.refused
    if answer.rest or not answer.keep:
        raise Failure(Reason.PROTOCOL, answer.observation.message or "sends more than the answer")
    return question.values
