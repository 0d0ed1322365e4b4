"""The words of MySQL and MariaDB."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.protocols.mysql import wire
from mooring.protocols.mysql.errors import CODES

# The codes that decide whether a host stays. All others of the table are the server's own trouble: `protocol`.
TABLE = {
    Reason.SATURATED: {1040, 1041, 1135, 4081},
    Reason.AUTH: {
        *(1044, 1045, 1049, 1095, 1130, 1142, 1143, 1148, 1227, 1251, 1275, 1345, 1370, 1524, 1698, 1820, 1862, 1873),
        *(1960, 1979, 3118, 3159, 3879, 3955, 4055, 4061, 4150, 4151),
    },
    Reason.QUOTA: {1203, 1226, 4082},
    Reason.BLOCKED: {1129},
    Reason.OFFLINE: {1053, 3032, 3168},
    Reason.NOT_SYNCED: {1047, 3781, 3782, 3797, 3799, 4094},
    Reason.LOCAL: {1046, 1064, 1065, 1149},
}
CASES = [(code, reason) for reason, codes in TABLE.items() for code in sorted(codes)]
OWN_TROUBLE = [1021, 1042, 1184, 1205, 1317, 1927, 1969, 3024, 3169, 4031]


@pytest.mark.parametrize(("code", "reason"), CASES)
def test_codes_have_words_of_the_table(code: int, reason: Reason) -> None:
    """The code decides, and code and sentence are shown."""
    seen = wire.refusal(code, "what the server says")
    assert (seen.reason, seen.message) == (reason, f"{code}: what the server says")


def test_the_table_is_whole() -> None:
    """Every code that means more than the server's own trouble has its line above."""
    assert {code for code, reason in CODES.items() if reason is not Reason.PROTOCOL} == {code for code, _ in CASES}


@pytest.mark.parametrize("code", [0, 2003, 2013, 9001, 9002, *OWN_TROUBLE])
def test_the_servers_own_trouble_counts_against_the_host(code: int) -> None:
    """No other host can share its cause."""
    seen = wire.refusal(code, "text")
    assert (seen.reason, seen.cause) == (Reason.PROTOCOL, "")


@pytest.mark.parametrize("code", [1, 1043, 1054, 1146, 1449, 9003, 65535])
def test_a_code_that_no_table_knows_is_its_own_cause(code: int) -> None:
    """It counts, unless other hosts give the same code at once; only a server that greeted us can refuse us."""
    assert wire.refusal(code, "text").cause == f"mysql:{code}"
    assert (wire.refusal(code, "text").reason, wire.refusal(code, "text", greeted=False).cause) == (Reason.PROTOCOL, "")


def test_an_error_without_a_number_shows_none() -> None:
    """Errors of the library have none."""
    assert wire.refusal(0, "out of order").message == "out of order"


def test_what_the_configuration_causes_demotes_nobody() -> None:
    """A wrong password, a missing privilege or a query that does not parse changes no verdict."""
    for code in TABLE[Reason.AUTH] | TABLE[Reason.QUOTA] | TABLE[Reason.LOCAL] | TABLE[Reason.BLOCKED]:
        assert MEANINGS[wire.refusal(code, "").reason].effect is Effect.UNKNOWN


def test_one_row_with_one_is_alive() -> None:
    """The one right answer to SELECT 1."""
    assert wire.alive([("1",)]).reason is Reason.OK
    assert wire.alive([("1", "0")]).reason is Reason.OK


def test_a_server_that_turns_clients_away_is_offline() -> None:
    """Also where it lets Mooring's account in, as one that may end sessions of others."""
    seen = wire.alive([("1", "1")])
    assert (seen.reason, seen.message) == (Reason.OFFLINE, "offline_mode=1")


@pytest.mark.parametrize(
    "rows", [None, [], [()], [("2",)], [(1,)], [(None,)], [("1", "2")], [("1",), ("1",)]], ids=repr
)
def test_anything_else_is_no_answer_to_select_1(rows: Sequence[Sequence[object]] | None) -> None:
    """An OK packet, no row, two rows: a server that answers so computes nothing."""
    seen = wire.alive(rows)
    assert seen.reason is Reason.PROTOCOL
    assert "SELECT 1" in seen.message


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ([("ON",)], "ON"),
        ([("first", "second"), ("third", "fourth")], "first"),
        ([("",)], ""),
        ([(None,)], "NULL"),
        ([(b"\xc3\xbc\xff",)], "ü\ufffd"),
        ([("x" * 5000,)], "x" * wire.ANSWER_LIMIT),
    ],
    ids=["text", "first-of-first", "empty", "null", "bytes", "long"],
)
def test_the_answer_is_the_first_column_of_the_first_row(rows: Sequence[Sequence[object]], answer: str) -> None:
    """As text, bounded."""
    seen = wire.answer(rows)
    assert (seen.reason, seen.answer) == (Reason.OK, answer)


@pytest.mark.parametrize(
    ("rows", "reason"), [(None, Reason.PROTOCOL), ([], Reason.OFFLINE), ([()], Reason.OFFLINE)], ids=repr
)
def test_a_query_without_a_row_does_not_pass(rows: Sequence[Sequence[object]] | None, reason: Reason) -> None:
    """No row means that the host is out of service by its own report; no result, that it did not understand."""
    seen = wire.answer(rows)
    assert (seen.reason, seen.answer) == (reason, None)
