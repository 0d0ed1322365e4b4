"""What stands in the packets of MySQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mooring.protocols.framed import Broken
from mooring.protocols.mysql.packets import ends_part, integer, status_of_eof, status_of_ok, values


@pytest.mark.parametrize(
    ("data", "number"),
    [
        ("00", 0),
        ("fa", 250),
        ("fcfb00", 251),
        ("fcffff", 65535),
        ("fd000001", 65536),
        ("fe0000000100000000", 1 << 24),
        ("feffffffffffffffff", (1 << 64) - 1),
    ],
)
def test_numbers_of_every_length(data: str, number: int) -> None:
    """And where each ends, whatever follows."""
    said = bytes.fromhex(data)
    assert integer(said, 0) == (number, len(said))
    assert integer(b"xx" + said + b"yy", 2) == (number, len(said) + 2)


@pytest.mark.parametrize("data", ["", "fb", "ff", "fb0000", "ff0000000000000000", "fc00", "fd0000", "fe00000000000000"])
def test_what_is_no_number(data: str) -> None:
    """NULL, the mark of an error, or cut short."""
    with pytest.raises(Broken):
        integer(bytes.fromhex(data), 0)


@pytest.mark.parametrize(
    ("read", "payload", "status"),
    [
        (status_of_ok, "00000002000000", 2),
        (status_of_ok, "00fc0100050a00ffff776f726473", 10),
        (status_of_eof, "fe00000a00", 10),
        (status_of_eof, "feffff0100", 1),
    ],
)
def test_statuses(read: Callable[[bytes], int], payload: str, status: int) -> None:
    """Behind the numbers of an OK, at the end of an EOF."""
    assert read(bytes.fromhex(payload)) == status


@pytest.mark.parametrize(
    ("read", "payload"),
    [
        (status_of_ok, "000000020000"),
        (status_of_ok, "00"),
        (status_of_ok, "00fb0002000000"),
        (status_of_eof, "fe000002"),
        (status_of_eof, "fe0000020000"),
        (status_of_eof, "0000000200"),
    ],
)
def test_what_has_no_status(read: Callable[[bytes], int], payload: str) -> None:
    """Cut short, too long, or something else."""
    with pytest.raises(Broken):
        read(bytes.fromhex(payload))


@pytest.mark.parametrize(
    ("row", "columns", "first"),
    [
        (b"\x01x", 1, b"x"),
        (b"\x00", 1, b""),
        (b"\xfb", 1, None),
        (b"\x01x\xfb\x00", 3, b"x"),
        (b"\xfc\x02\x00xy\xfb", 2, b"xy"),
    ],
)
def test_rows(row: bytes, columns: int, first: bytes | None) -> None:
    """Values that fill the row to its end."""
    assert values(row, columns)[0] == first


@pytest.mark.parametrize(("row", "columns"), [(b"\x01x", 2), (b"\x01x\x01y", 1), (b"\x02x", 1), (b"\xff", 1)])
def test_rows_that_do_not_fit(row: bytes, columns: int) -> None:
    """One value too few or too many, one cut short, one that is none."""
    with pytest.raises(Broken):
        values(row, columns)


def test_a_long_first_value_is_no_end() -> None:
    """Both begin with FE; the length decides."""
    assert ends_part(b"\xfe\x00\x00\x02\x00")
    assert not ends_part(b"\xfe" + (1 << 24).to_bytes(8, "little") + b"x")
    assert not ends_part(b"\x01x")
