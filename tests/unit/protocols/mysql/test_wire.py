"""The words of MySQL and MariaDB."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mooring.protocols.mysql import wire
from mooring.reasons import MEANINGS, Effect, Reason

TABLE = {
    Reason.SATURATED: {1040, 1203},
    Reason.AUTH: {
        *(1044, 1045, 1049, 1130, 1142, 1143, 1226, 1227, 1251, 1370, 1524, 1698, 1820, 1862),
        *(3118, 3159, 3955, 4151),
    },
    Reason.BLOCKED: {1129},
    Reason.OFFLINE: {1053, 3032, 3168},
    Reason.NOT_SYNCED: {1047},
    Reason.LOCAL: {1064},
}
CODES = [(code, reason) for reason, codes in TABLE.items() for code in sorted(codes)]


@pytest.mark.parametrize(("code", "reason"), CODES)
def test_codes_have_words_of_the_table(code: int, reason: Reason) -> None:
    """The code decides, and code and sentence are shown."""
    seen = wire.refusal(code, "what the server says")
    assert (seen.reason, seen.message) == (reason, f"{code}: what the server says")


def test_the_table_is_whole() -> None:
    """Every code that is known has its line above."""
    assert set(wire.CODES) == {code for code, _ in CODES}


@pytest.mark.parametrize("code", [0, 1, 1054, 1146, 1205, 1317, 1927, 2003, 2013, 3024, 65535, -1])
def test_any_other_code_counts_against_the_host(code: int) -> None:
    """It answers, but not as it should."""
    assert wire.refusal(code, "text").reason is Reason.PROTOCOL


def test_an_error_without_a_number_shows_none() -> None:
    """Errors of the library have none."""
    assert wire.refusal(0, "out of order").message == "out of order"


@pytest.mark.parametrize("code", sorted(wire.TURNED_AWAY))
def test_without_a_user_a_polite_refusal_passes(code: int) -> None:
    """A server that turns a stranger away is alive."""
    seen = wire.refusal(code, "Access denied", anonymous=True)
    assert (seen.reason, seen.message) == (Reason.OK, f"turned our login away politely ({code}: Access denied)")
    assert wire.refusal(code, "Access denied").reason is Reason.AUTH


@pytest.mark.parametrize("code", [*sorted(set(wire.CODES) - wire.TURNED_AWAY), 0, 1146])
def test_without_a_user_other_errors_pass_no_host(code: int) -> None:
    """A full, blocked or stopping server is not alive because it was polite."""
    assert wire.refusal(code, "text", anonymous=True) == wire.refusal(code, "text")


def test_what_the_configuration_causes_demotes_nobody() -> None:
    """A wrong password, a missing privilege or a query that does not parse changes no verdict."""
    for code in TABLE[Reason.AUTH] | TABLE[Reason.LOCAL] | TABLE[Reason.BLOCKED]:
        assert MEANINGS[wire.refusal(code, "").reason].effect is Effect.UNKNOWN


def test_one_row_with_one_is_alive() -> None:
    """The one right answer to SELECT 1."""
    assert wire.alive([("1",)]).reason is Reason.OK


@pytest.mark.parametrize(
    "rows", [None, [], [()], [("2",)], [(1,)], [(None,)], [("1", "1")], [("1",), ("1",)]], ids=repr
)
def test_anything_else_is_no_answer_to_select_1(rows: Sequence[Sequence[object]] | None) -> None:
    """An OK packet, no row, two rows: whoever answers so computes nothing."""
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
    """No row means that the host says it is out of service; no result at all, that it did not understand."""
    seen = wire.answer(rows)
    assert (seen.reason, seen.answer) == (reason, None)
