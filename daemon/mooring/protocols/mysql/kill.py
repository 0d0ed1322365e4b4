"""Ends the sessions of named users on MySQL and MariaDB.

MySQL 8 Reference Manual, "KILL Statement" and "The INFORMATION_SCHEMA PROCESSLIST Table"; MariaDB Knowledge Base,
"KILL" and "GRANT". Without PROCESS the list shows nobody but us, and says nothing of that, so it is asked for first by
a table that cannot be read without it. Without CONNECTION ADMIN (MySQL: CONNECTION_ADMIN) no session of another can be
ended. Replicas that are served by a named user, and threads of the server's own, are left alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from mooring.protocols.failure import Failure
from mooring.protocols.line import Line
from mooring.protocols.mysql.packets import Broken, check_description, columns_of_head, ends_part, status_of_ok, values
from mooring.protocols.mysql.results import quoted
from mooring.protocols.toll import MOST_SESSIONS, Toll
from mooring.reasons import Reason

SEES_ALL = "SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1"
WHO = "SELECT CONCAT(VERSION(), ' ', CURRENT_USER())"
_NO_SUCH_THREAD = 1094
_LACKS = frozenset({1095, 1227})
"""Not the owner of the session; a privilege is missing."""
_QUERY = b"\x03"


def kill(line: Line, _options: Hashable, users: tuple[str, ...], toll: Toll) -> None:
    """Ends at most ``MOST_SESSIONS``; one that has gone meanwhile is no fault.

    Raises:
        Failure: the connection is of no use any more.
    """
    talk = _Talk(line)
    try:
        talk.ask(SEES_ALL)
        numbers = talk.ask(listing(users))
        for refused in _kill(talk, numbers[:MOST_SESSIONS], toll):
            toll.hinder(_told(talk, refused))
        if len(numbers) > MOST_SESSIONS:
            toll.hinder(f"there are more than {MOST_SESSIONS} sessions; the others stay")
    except _Refused as refused:
        toll.hinder(_told(talk, refused))
    except Broken as broken:
        raise Failure(Reason.PROTOCOL, str(broken)) from broken


def listing(users: tuple[str, ...]) -> str:
    """Asks for one session more than are ended. Names are compared byte by byte, as the server does for logins."""
    named = ", ".join(f"0x{user.encode().hex()}" for user in users)
    return (
        f"SELECT ID FROM information_schema.PROCESSLIST WHERE CAST(USER AS BINARY) IN ({named}) "  # noqa: S608 -- names in hexadecimal end no string
        "AND ID <> CONNECTION_ID() AND COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon', 'Killed') "
        f"ORDER BY ID LIMIT {MOST_SESSIONS + 1}"
    )


class _Refused(Exception):
    """The server's own word: an ERR packet."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


def _kill(talk: _Talk, numbers: list[bytes], toll: Toll) -> Iterator[_Refused]:
    """The first refusal, where there is one: the others are refused for the same reason."""
    refusals = []
    for number in numbers:
        if not number.isdigit():
            raise Broken("lists a session without a number")
        try:
            talk.ask(f"KILL {number.decode()}")
            toll.count += 1
        except _Refused as refused:
            if refused.code != _NO_SUCH_THREAD:
                refusals.append(refused)
    yield from refusals[:1]


def _told(talk: _Talk, refused: _Refused) -> str:
    if refused.code not in _LACKS:
        return str(refused)
    version, _, account = talk.ask(WHO)[0].decode("utf-8", "replace").partition(" ")
    privilege = "CONNECTION ADMIN" if "mariadb" in version.lower() else "CONNECTION_ADMIN"
    return f"needs GRANT PROCESS, {privilege} ON *.* TO {quoted(account)} ({refused})"


class _Talk:
    """One statement after the other, each with its answer."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._reader = line.makefile("rb")
        self._sequence = 0

    def ask(self, statement: str) -> list[bytes]:
        """The first column of the result, of which no value is NULL; empty where there is no result.

        Raises:
            _Refused, Broken, Failure
        """
        said = _QUERY + statement.encode()
        self._line.sendall(len(said).to_bytes(3, "little") + b"\0" + said)
        self._sequence = 1
        head = self._packet()
        if head[0] == 0:
            status_of_ok(head)
            return []
        columns = columns_of_head(head)
        for left in range(columns, -1, -1):
            check_description(self._packet(), last=left == 0)
        return list(self._rows(columns))

    def _rows(self, columns: int) -> Iterator[bytes]:
        while not ends_part(row := self._packet()):
            value = values(row, columns)[0]
            if value is None:
                raise Broken("answers with NULL")
            yield value

    def _packet(self) -> bytes:
        head = self._reader.read(4)
        payload = self._reader.read(int.from_bytes(head[:3], "little"))
        if not payload or head[3] != self._sequence:
            raise Broken("sends packets out of order" if payload else "sends an empty packet")
        self._sequence = (self._sequence + 1) % 256
        if payload[0] == 0xFF:  # noqa: PLR2004 -- the mark of an ERR packet
            text = payload[9:] if payload[3:4] == b"#" else payload[3:]
            raise _Refused(int.from_bytes(payload[1:3], "little"), text.decode("utf-8", "replace"))
        return payload
