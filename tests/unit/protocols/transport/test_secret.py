"""Passwords from files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.secret import LIMIT, Secret, read_secret

MORE = "has more than one line end; a password is one line"
MARKED = "begins with a byte order mark; write it as plain text without one"
UTF16 = "UTF-16 text; write it as plain text (UTF-8 without a byte order mark)"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        pytest.param(b"swordfish", b"swordfish", id="no-newline"),
        pytest.param(b"swordfish\n", b"swordfish", id="newline"),
        pytest.param(b"swordfish\r\n", b"swordfish", id="windows-newline"),
        pytest.param(b"swordfish\r", b"swordfish\r", id="a-lone-carriage-return-stays"),
        pytest.param(b" sword fish ", b" sword fish ", id="blanks-stay"),
        pytest.param(b"\xc3\xbc\xff", b"\xc3\xbc\xff", id="any-bytes"),
        pytest.param(b"x" * LIMIT, b"x" * LIMIT, id="longest"),
    ],
)
def test_a_password_is_the_file_without_one_newline(tmp_path: Path, content: bytes, value: bytes) -> None:
    """Files made by an editor or by a Kubernetes Secret both hold the same password."""
    path = tmp_path / "password"
    path.write_bytes(content)
    assert read_secret(str(path)) == Secret(value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "empty; a password is needed", id="empty"),
        pytest.param(b"\r\n", "empty; a password is needed", id="only-a-newline"),
        pytest.param(b"swordfish\n\n", MORE, id="two-newlines"),
        pytest.param(b"swordfish\r\n\r\n", MORE, id="two-windows-newlines"),
        pytest.param(b"sword\nfish", MORE, id="two-lines"),
        pytest.param(b"\n\n", MORE, id="only-newlines"),
        pytest.param(b"\xef\xbb\xbfswordfish\n", MARKED, id="byte-order-mark"),
        pytest.param("swordfish\n".encode("utf-16"), UTF16, id="utf-16-with-its-mark"),
        pytest.param("swordfish".encode("utf-16-le"), UTF16, id="utf-16-without-a-mark"),
        pytest.param("swordfish".encode("utf-16-be"), UTF16, id="utf-16-big-endian"),
        pytest.param("swordfish".encode("utf-32"), UTF16, id="utf-32"),
        pytest.param(b"q" * (LIMIT + 1), "longer than 4096 bytes; this is no password file", id="too-long"),
    ],
)
def test_a_file_that_is_no_password_is_our_fault(tmp_path: Path, content: bytes, complaint: str) -> None:
    """The path is named, the content never."""
    path = tmp_path / "password"
    path.write_bytes(content)
    with pytest.raises(Failure) as caught:
        read_secret(str(path))
    assert (caught.value.reason, caught.value.message) == (Reason.LOCAL, f"{path}: {complaint}")


def test_a_missing_file_is_our_fault(tmp_path: Path) -> None:
    """A Secret that is not mounted must take no host out of traffic."""
    with pytest.raises(Failure, match="absent: does not exist") as caught:
        read_secret(str(tmp_path / "absent"))
    assert caught.value.reason is Reason.LOCAL


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A path that is no file ends at once instead of hanging the probe."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="not a regular file"):
        read_secret(str(tmp_path / "pipe"))


def test_a_directory_is_not_read(tmp_path: Path) -> None:
    """A path of the folder instead of the file in it has a message of its own."""
    with pytest.raises(Failure, match="not a regular file"):
        read_secret(str(tmp_path))


def test_a_secret_does_not_show_itself() -> None:
    """Neither repr nor str nor a format shows a password."""
    secret = Secret(b"swordfish")
    assert "swordfish" not in f"{secret!r} {secret} {[secret]}"


@pytest.mark.parametrize(
    ("value", "ends"),
    [
        pytest.param(b"swordfish", False, id="plain"),
        pytest.param(b" sword fish", False, id="elsewhere"),
        pytest.param(b"", False, id="none"),
        pytest.param(b"\xff\xfe1", False, id="any-bytes"),
        pytest.param(b"swordfish ", True, id="blank"),
        pytest.param(b"swordfish\t", True, id="tab"),
        pytest.param(b"swordfish\r", True, id="carriage-return"),
        pytest.param("swordfish\u00a0".encode(), True, id="no-break-space"),
    ],
)
def test_white_space_at_the_end_is_noticed(value: bytes, ends: bool) -> None:  # noqa: FBT001 -- a case
    """It is sent, as it may be meant; a refusal mentions it."""
    assert Secret(value).ends_with_white_space is ends
