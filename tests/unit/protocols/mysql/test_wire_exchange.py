"""Asking MySQL and MariaDB over a held session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.mysql import wire
from mooring.protocols.mysql.asking import exchange
from mooring.protocols.mysql.options import MysqlOptions
from support import packets
from support.probe_once import ask
from support.rogue_servers import mysql, rogue

RESULT = packets.result("ON")
REAL = bytes.fromhex(
    "0100000101 17000002036465660000000131000c3f0001000000038100000000"
    "05000003fe00000200 020000040131 05000005fe00000200"
)
"""What MariaDB 10.11 answers to SELECT 1."""


def _fed(asked: wire.Ping | wire.Query, *pieces: bytes) -> Answer | None:
    answers = (asked.feed(piece) for piece in pieces)
    return next((answer for answer in answers if answer is not None), None)


def _ping(*pieces: bytes) -> Answer | None:
    return _fed(wire.Ping(), *pieces)


def _query(*pieces: bytes) -> Answer:
    answer = _fed(wire.Query("SELECT x"), *pieces)
    assert answer is not None
    return answer


def _numbered(*payloads: bytes, first: int = 1) -> bytes:
    return b"".join(packets.packet(payload, number % 256) for number, payload in enumerate(payloads, first))


COLUMN = packets.result()[5:][4 : 4 + 0x17]
EOF, MORE, OPEN = b"\xfe\x00\x00\x02\x00", b"\xfe\x00\x00\x0a\x00", b"\xfe\x00\x00\x01\x00"


def test_requests_are_whole_packets() -> None:
    """COM_PING where the file asks nothing, and its query otherwise."""
    assert exchange(MysqlOptions()).request == packets.packet(b"\x0e", 0)
    asked = exchange(MysqlOptions(user="probe", query="SELECT 'ü%s'"))
    assert asked.request == packets.packet("\x03SELECT 'ü%s'".encode(), 0)


@pytest.mark.parametrize(
    "said",
    [
        packets.ok(1),
        _numbered(b"\x00\x00\x00\x00\x00\x00\x00"),
        _numbered(b"\x00\x00\x00\x02\x40\x00\x00"),
        _numbered(b"\x00\xfc\x00\x01\xfd\x01\x02\x03\x02\x00\x01\x00some words"),
    ],
    ids=["usual", "no-autocommit", "other-status", "long"],
)
def test_ok_is_alive(said: bytes) -> None:
    """However it is cut."""
    alive = Answer(Observation(Reason.OK))
    assert _ping(said) == alive
    assert _ping(*(bytes([byte]) for byte in said)) == alive


@pytest.mark.parametrize(
    "said",
    [
        packets.packet(b"\x00\x00\x00\x02\x00\x00\x00", 0),
        packets.packet(b"\x00\x00\x00\x02\x00\x00\x00", 2),
        _numbered(b"\x00\x00\x00\x0a\x00\x00\x00"),
        _numbered(b"\x00\x00\x00\x02\x00\x00"),
        _numbered(b"\x00\xfb\x00\x02\x00\x00\x00"),
        _numbered(b"\x00\xfe\x00\x02\x00\x00\x00"),
        _numbered(b"\xff\x00"),
        _numbered(EOF),
        _numbered(b""),
        RESULT,
        b"\x00\x00\x01\x01",
        b"\xff\xff\xff\x01",
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
    ids=lambda said: said[:12].hex(),
)
def test_anything_else_is_not(said: bytes) -> None:
    """It counts against the host, and nothing more is asked over that session."""
    answer = _ping(said)
    assert answer is not None
    assert (answer.observation.reason, answer.keep, answer.lost, answer.rest) == (Reason.PROTOCOL, False, False, b"")


def test_half_an_answer_is_none() -> None:
    """There is no answer before all its bytes are there."""
    assert _ping(packets.ok(1)[:-1]) is None


@pytest.mark.parametrize(
    ("code", "number", "reason", "keep", "lost"),
    [
        (1927, 0, Reason.PROTOCOL, False, True),
        (1053, 1, Reason.OFFLINE, False, True),
        (1317, 1, Reason.PROTOCOL, False, True),
        (3169, 0, Reason.PROTOCOL, False, True),
        (4031, 0, Reason.PROTOCOL, False, True),
        (1040, 0, Reason.SATURATED, False, False),
        (1047, 1, Reason.NOT_SYNCED, True, False),
        (3032, 1, Reason.OFFLINE, True, False),
        (1142, 1, Reason.AUTH, True, False),
    ],
)
def test_errors(code: int, number: int, reason: Reason, keep: bool, lost: bool) -> None:  # noqa: FBT001 -- parameters of the table
    """What ends the session is evidence; any other word is an outcome. Packet 0 was not asked for."""
    for answer in (_ping(packets.error(code, "words", number)), _query(packets.error(code, "words", number))):
        assert answer == Answer(Observation(reason, f"{code}: words"), keep=keep, lost=lost)


def test_an_error_of_an_old_server_has_no_state() -> None:
    """Its words begin right behind the code."""
    answer = _ping(_numbered(b"\xff\x10\x04Too many connections"))
    assert answer is not None
    assert answer.observation == Observation(Reason.SATURATED, "1040: Too many connections")


@pytest.mark.parametrize(
    ("said", "reason", "answer"),
    [
        (REAL, Reason.OK, "1"),
        (RESULT, Reason.OK, "ON"),
        (packets.result("x" * 300, "second"), Reason.OK, "x" * 300),
        (packets.result(""), Reason.OK, ""),
        (packets.result(None), Reason.OK, "NULL"),
        (packets.result(*["1"] * 600), Reason.OK, "1"),
        (_numbered(b"\x02", COLUMN, COLUMN, EOF, b"\xfb\x01x", b"\x01y\xfb", EOF), Reason.OK, "NULL"),
        (_numbered(b"\x01", COLUMN, EOF, b"\x01\xff", EOF), Reason.OK, "\ufffd"),
        (_numbered(b"\x01", COLUMN, EOF, b"\x017", MORE, b"\x00\x00\x00\x02\x00\x00\x00"), Reason.OK, "7"),
        (_numbered(b"\x01", COLUMN, EOF, b"\x017", MORE, b"\x01", COLUMN, EOF, b"\x018", EOF), Reason.OK, "7"),
        (_numbered(b"\x00\x00\x00\x0a\x00\x00\x00", b"\x01", COLUMN, EOF, b"\x018", EOF), Reason.PROTOCOL, None),
        (packets.result(), Reason.OFFLINE, None),
        (packets.ok(1), Reason.PROTOCOL, None),
    ],
    ids=[
        *("real", "text", "long", "empty", "null", "packet-numbers-wrap", "columns", "not-utf8", "call", "two-results"),
        *("ok-then-result", "no-row", "ok"),
    ],
)
def test_results(said: bytes, reason: Reason, answer: str | None) -> None:
    """The first column of the first row of the first result, and the session goes on; however it is cut."""
    seen = _query(said + b"behind")
    assert (seen.observation.reason, seen.observation.answer) == (reason, answer)
    assert (seen.keep, seen.rest) == (True, b"behind")
    assert _query(*(said[place : place + 7] for place in range(0, len(said), 7))) == Answer(seen.observation)


@pytest.mark.parametrize("rows", [["ON"], [None], [""], ["x" * 300], ["first", "second"], []])
def test_results_are_read_as_the_library_reads_them(rows: list[str | None]) -> None:
    """A login and a held session give the same answer."""
    said = packets.result(*rows)
    with rogue(mysql(answer=said)) as server:
        seen = ask("mysql", server.address, server.port, user="probe", query="SELECT x")
    assert _query(said).observation == replace(seen, latency=None)


@pytest.mark.parametrize(
    "said",
    [
        packets.load_local("/etc/passwd", 1),
        _numbered(EOF),
        _numbered(b"\x01\x00"),
        _numbered(b"\xfc\x00\x00"),
        _numbered(b"\xfc\x01\x10"),
        _numbered(b"\x01", COLUMN[1:]),
        _numbered(b"\x01", COLUMN, COLUMN),
        _numbered(b"\x01", COLUMN, EOF + b"\x00"),
        _numbered(b"\x01", COLUMN, EOF, b"\x02x"),
        _numbered(b"\x01", COLUMN, EOF, b"\x00\x00"),
        _numbered(b"\x02", COLUMN, COLUMN, EOF, b"\x01x"),
        _numbered(b"\x01", COLUMN, EOF, b"\xfe\x00\x00"),
        _numbered(b"\x01", COLUMN) + packets.packet(EOF, 4),
        packets.result(*["x" * 200] * 400),
        packets.result("x" * (CAP - 50)),
    ],
    ids=lambda said: said[:80].hex(),
)
def test_broken_results(said: bytes) -> None:
    """Mooring sends no file of its own, reads no row that does not fit, and reads nothing without bound."""
    answer = _query(said[:100], said[100:])
    assert (answer.observation.reason, answer.keep) == (Reason.PROTOCOL, False)


def test_an_error_may_end_a_result() -> None:
    """A statement that is stopped while its rows are on their way."""
    stopped = _query(_numbered(b"\x01", COLUMN, EOF, b"\x011") + packets.error(1969, "too slow", 5))
    assert stopped == Answer(Observation(Reason.PROTOCOL, "1969: too slow"))


def test_a_transaction_that_stays_open_is_not_held() -> None:
    """Its next answer would come from the snapshot of the first, whatever has changed."""
    answer = _query(_numbered(b"\x01", COLUMN, OPEN, b"\x011", OPEN))
    assert answer == Answer(Observation(Reason.OK, answer="1"), keep=False)
