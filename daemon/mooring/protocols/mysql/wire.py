"""What the words of MySQL and MariaDB mean; no I/O.

Codes: MySQL 8 Error Reference, "Server Error Message Reference"; MariaDB Knowledge Base, "MariaDB Error Code
Reference".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mooring.model import Observation
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
