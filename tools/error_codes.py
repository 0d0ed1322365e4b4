"""Writes the table of MySQL's and MariaDB's error codes from the servers' own lists, and what each error means to us.

python tools/error_codes.py LIST... >daemon/mooring/protocols/mysql/errors.py

A LIST is a server's ``errmsg-utf8.txt`` or ``messages_to_clients.txt``, or a ``perror`` program of its version that can
be run. Errors are named here by their symbols, for the same symbol has another number in MariaDB than in MySQL.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

MEANINGS: Mapping[str, tuple[str, ...]] = {
    "AUTH": (
        *("ER_DBACCESS_DENIED_ERROR", "ER_ACCESS_DENIED_ERROR", "ER_BAD_DB_ERROR", "ER_HOST_NOT_PRIVILEGED"),
        *("ER_TABLEACCESS_DENIED_ERROR", "ER_COLUMNACCESS_DENIED_ERROR", "ER_SPECIFIC_ACCESS_DENIED_ERROR"),
        *("ER_PROCACCESS_DENIED_ERROR", "ER_DB_ACCESS_DENIED", "ER_NOT_ALLOWED_COMMAND", "ER_VIEW_NO_EXPLAIN"),
        *("ER_NOT_SUPPORTED_AUTH_MODE", "ER_SERVER_IS_IN_SECURE_AUTH_MODE", "ER_PLUGIN_IS_NOT_LOADED"),
        *("ER_ACCESS_DENIED_NO_PASSWORD_ERROR", "ER_ACCESS_DENIED_CHANGE_USER_ERROR", "ER_INVALID_CURRENT_USER"),
        *("ER_MUST_CHANGE_PASSWORD", "ER_MUST_CHANGE_PASSWORD_LOGIN", "ER_ACCOUNT_HAS_BEEN_LOCKED"),
        *("ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK", "ER_USER_IS_BLOCKED"),
        *("ER_SECURE_TRANSPORT_REQUIRED", "ER_PLUGIN_REQUIRES_REGISTRATION", "ER_USER_REGISTRATION_FAILED"),
        *("ER_KILL_DENIED_ERROR", "ER_KILL_QUERY_DENIED_ERROR"),
    ),
    "QUOTA": ("ER_USER_LIMIT_REACHED", "ER_TOO_MANY_USER_CONNECTIONS", "ER_DA_CONN_LIMIT"),
    "BLOCKED": ("ER_HOST_IS_BLOCKED",),
    "LOCAL": ("ER_PARSE_ERROR", "ER_SYNTAX_ERROR", "ER_EMPTY_QUERY", "ER_NO_DB_ERROR"),
    "SATURATED": ("ER_CON_COUNT_ERROR", "ER_CANT_CREATE_THREAD", "ER_OUT_OF_RESOURCES", "ER_DA_GLOBAL_CONN_LIMIT"),
    "OFFLINE": ("ER_SERVER_SHUTDOWN", "ER_SERVER_OFFLINE_MODE", "ER_SERVER_ISNT_AVAILABLE"),
    "NOT_SYNCED": (
        *("ER_UNKNOWN_COM_ERROR", "ER_GR_HOLD_WAIT_TIMEOUT", "ER_GR_HOLD_KILLED"),
        *("ER_GRP_TRX_CONSISTENCY_BEFORE", "ER_GRP_TRX_CONSISTENCY_BEGIN_NOT_ALLOWED"),
        "ER_OPERATION_NOT_ALLOWED_WHILE_PRIMARY_CHANGE_IS_RUNNING",
    ),
    "PROTOCOL": (
        *("ER_CANT_CREATE_FILE", "ER_ERROR_ON_READ", "ER_ERROR_ON_WRITE", "ER_CANT_OPEN_FILE", "ER_FILE_NOT_FOUND"),
        *(
            "ER_DISK_FULL",
            "ER_DISK_FULL_NOWAIT",
            "ER_RECORD_FILE_FULL",
            "ER_TEMP_FILE_WRITE_FAILURE",
            "ER_IO_READ_ERROR",
        ),
        *("ER_OUTOFMEMORY", "ER_OUT_OF_SORTMEMORY", "ER_ENGINE_OUT_OF_MEMORY", "ER_DA_OOM", "ER_CAPACITY_EXCEEDED"),
        *("ER_GET_ERRNO", "ER_NOT_FORM_FILE", "ER_NOT_KEYFILE", "ER_OLD_KEYFILE", "ER_CRASHED_ON_USAGE"),
        *("ER_CRASHED_ON_REPAIR", "ER_NO_SUCH_TABLE_IN_ENGINE", "ER_TABLESPACE_MISSING", "ER_TABLE_CORRUPT"),
        *("ER_BAD_HOST_ERROR", "ER_ABORTING_CONNECTION", "ER_NEW_ABORTING_CONNECTION", "ER_IPSOCK_ERROR"),
        *(
            "ER_NET_PACKET_TOO_LARGE",
            "ER_NET_READ_ERROR_FROM_PIPE",
            "ER_NET_FCNTL_ERROR",
            "ER_NET_PACKETS_OUT_OF_ORDER",
        ),
        *("ER_NET_UNCOMPRESS_ERROR", "ER_NET_READ_ERROR", "ER_NET_READ_INTERRUPTED", "ER_NET_ERROR_ON_WRITE"),
        *("ER_NET_WRITE_INTERRUPTED", "ER_LOCK_WAIT_TIMEOUT", "ER_LOCK_DEADLOCK", "ER_LOCK_TABLE_FULL"),
        *("ER_LOCK_ABORTED", "ER_STATEMENT_TIMEOUT", "ER_QUERY_TIMEOUT", "ER_FILSORT_ABORT"),
        *("ER_QUERY_INTERRUPTED", "ER_CONNECTION_KILLED", "ER_SESSION_WAS_KILLED", "ER_CLIENT_INTERACTION_TIMEOUT"),
        *("ER_OPEN_AS_READONLY", "ER_READ_ONLY_MODE", "ER_INNODB_READ_ONLY", "ER_INNODB_FORCED_RECOVERY"),
        "ER_TOO_MANY_CONCURRENT_TRXS",
    ),
}
"""By reasons, the errors that a login, a question or a KILL may get. Those of PROTOCOL are the server's own trouble."""

_SYMBOLS = re.compile(r"([A-Z][A-Z0-9_]+)\b")
_SAID = re.compile(r"error code (?:MY-)?(\d+) \((\w+)\)")
_START = re.compile(r"(?:start-error-number|skip-to-error-number)\s+(\d+)")
_CODES = range(1000, 4600)

_HEAD = '''"""What the errors of MySQL and MariaDB mean to us that a login, a question or a KILL may get; no I/O.

Written by `tools/error_codes.py` from the servers' own lists: MySQL 5.7, 8.0 and 9.7; MariaDB 10.5, 10.11 and 11.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mooring.model.reasons import Reason

CODES: Mapping[int, Reason] = MappingProxyType(
    {'''


def symbols(source: str) -> Mapping[int, str]:
    """The symbols of a list, by their codes."""
    if os.access(source, os.X_OK):
        said = subprocess.run(
            [source, *map(str, _CODES)], capture_output=True, text=True, errors="replace", check=False
        )
        return {int(code): symbol for code, symbol in _SAID.findall(said.stdout)}
    return dict(_listed(Path(source).read_text(errors="replace")))


def _listed(text: str) -> Iterator[tuple[int, str]]:
    code = _CODES.start
    for line in text.splitlines():
        if start := _START.match(line):
            code = int(start[1])
        elif symbol := _SYMBOLS.match(line):
            yield code, symbol[1].removeprefix("OBSOLETE_")
            code += 1


def table(sources: list[str]) -> Iterator[tuple[int, str, str]]:
    """Each code with its reason and symbol."""
    meaning = {symbol: reason for reason, named in MEANINGS.items() for symbol in named}
    found = {(code, symbol) for source in sources for code, symbol in symbols(source).items() if symbol in meaning}
    for code, symbol in sorted(found):
        yield code, meaning[symbol], symbol


def main() -> None:
    """Prints the module."""
    rows = (f"        {code}: Reason.{reason},  # {symbol}" for code, reason, symbol in table(sys.argv[1:]))
    sys.stdout.write("\n".join([_HEAD, *rows, "    }", ")"]) + "\n")


if __name__ == "__main__":
    main()
