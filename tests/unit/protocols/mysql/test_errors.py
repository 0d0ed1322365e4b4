"""The table of error codes of MySQL and MariaDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from error_codes import MEANINGS as SYMBOLS
from error_codes import symbols
from mooring.model.reasons import Reason
from mooring.protocols.mysql.errors import CODES

LIST = Path("/usr/share/mysql/errmsg-utf8.txt")


@pytest.mark.skipif(not LIST.exists(), reason="no MariaDB is installed, whose list this compares with")
def test_the_table_agrees_with_the_servers_own_list() -> None:
    """MariaDB's own list gives each symbol the number that the table has."""
    meaning = {symbol: Reason[reason] for reason, named in SYMBOLS.items() for symbol in named}
    listed = {code: meaning[symbol] for code, symbol in symbols(str(LIST)).items() if symbol in meaning}
    assert len(listed) > 60
    assert {code: CODES.get(code) for code in listed} == listed


@pytest.mark.skipif(not LIST.exists(), reason="no MariaDB is installed, whose list this reads")
def test_no_error_of_a_login_is_left_out() -> None:
    """Each error of the list that denies access, or ends a connection, is in the table, or of other statements."""
    of_other_statements = {
        *("ER_PASSWORD_NO_MATCH", "ER_MASTER_NET_READ", "ER_MASTER_NET_WRITE", "ER_CONNECT_TO_MASTER"),
        *("ER_FORCING_CLOSE", "ER_HANDSHAKE_ERROR", "ER_SLAVE_STATEMENT_TIMEOUT"),
    }
    known = {symbol for named in SYMBOLS.values() for symbol in named} | of_other_statements
    states = ("28000", "08S01", "08004", "70100")
    lines = [line.split() for line in LIST.read_text(errors="replace").splitlines() if line.startswith("ER_")]
    assert not [line[0] for line in lines if len(line) > 1 and line[1] in states and line[0] not in known]
