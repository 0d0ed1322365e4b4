"""The files that the configuration names, looked at before the first probe."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from mooring.config import AddressPolicy, files, parse, unreadable_files
from mooring.model.spec import Config
from mooring.protocols.transport.files import FileReader


def config(password: Path, ca: Path, mode: str = "verify-ca") -> Config:
    tls = f"{{mode: {mode}, caFile: {ca}}}"
    text = f"""
version: 1
services:
  - {{name: db, hosts: [10.20.0.11], check: {{mysql: {{user: u, passwordFile: {password}, tls: {tls}}}}}}}
  - {{name: web, hosts: [10.20.0.11], check: {{tcp: {{}}}}}}
"""
    return parse(text.encode(), "f", AddressPolicy())


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good"
    path.write_bytes(b"x\n")
    return path


def test_files_that_are_there_are_no_problem(good: Path) -> None:
    """A password and a CA that can be read give no message."""
    assert unreadable_files(config(good, good)) == []


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n"], ids=["nothing", "a newline", "a line end"])
def test_an_empty_secret_is_named(tmp_path: Path, good: Path, content: bytes) -> None:
    """An empty password is a mistake: a line end alone is none."""
    empty = tmp_path / "empty"
    empty.write_bytes(content)
    assert unreadable_files(config(empty, good)) == [f"default/db: check.mysql: {empty}: empty; a password is needed"]


@pytest.mark.parametrize("content", [b" ", b" x ", b"x"], ids=["a space", "spaces", "a letter"])
def test_anything_else_is_a_password(tmp_path: Path, good: Path, content: bytes) -> None:
    """Only one newline is no part of a password."""
    path = tmp_path / "password"
    path.write_bytes(content)
    assert unreadable_files(config(path, good)) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xef\xbb\xbfx\n", "begins with a byte order mark"),
        ("x\n".encode("utf-16"), "UTF-16 text"),
        (b"x\n\n", "has more than one line end"),
        (b"x" * 5000, "longer than 4096 bytes"),
    ],
)
def test_what_is_no_password_ends_the_start(tmp_path: Path, good: Path, content: bytes, why: str) -> None:
    """It would be refused by every server, and some lock the account."""
    path = tmp_path / "password"
    path.write_bytes(content)
    (problem,) = unreadable_files(config(path, good))
    assert problem.startswith(f"default/db: check.mysql: {path}: {why}")


def test_a_ca_file_may_be_long_and_have_many_lines(tmp_path: Path, good: Path) -> None:
    """The rules of passwords are for passwords."""
    ca = tmp_path / "ca"
    ca.write_bytes(b"x\n" * 5000)
    assert unreadable_files(config(good, ca)) == []


def test_a_file_that_does_not_answer_is_no_reason_to_refuse_a_start(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart while a mount hangs serves all other hosts. The mount is a stand-in: an opener that blocks."""
    mended = threading.Event()

    def opener(path: str, flags: int) -> int:
        if path.endswith("hung"):
            mended.wait(60)
        return os.open(path, flags)

    monkeypatch.setattr(files, "secret_files", FileReader(opener))
    monkeypatch.setattr(files, "WAIT_SECONDS", 0.3)
    assert unreadable_files(config(tmp_path / "hung", good)) == []
    missing = [f"default/db: check.mysql: {tmp_path / 'none'}: does not exist"]
    assert unreadable_files(config(tmp_path / "hung", tmp_path / "none")) == missing
    mended.set()


def test_each_file_that_cannot_be_read_is_named(tmp_path: Path, good: Path) -> None:
    """Missing, under a file, a folder, a pipe: each with its Service and the cause, and nothing waits for a writer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = unreadable_files(config(tmp_path / "none", good / "inside")) + unreadable_files(config(tmp_path, pipe))
    assert found == [
        f"default/db: check.mysql: {tmp_path / 'none'}: does not exist",
        f"default/db: check.mysql: {good / 'inside'}: Not a directory",
        f"default/db: check.mysql: {tmp_path}: not a regular file",
        f"default/db: check.mysql: {pipe}: not a regular file",
    ]


def test_a_ca_that_is_not_used_is_not_wanted(tmp_path: Path, good: Path) -> None:
    """With TLS disabled its files may be absent."""
    assert unreadable_files(config(good, tmp_path / "none", mode="disabled")) == []


def test_checking_the_file_opens_no_secret(tmp_path: Path) -> None:
    """A file is valid where its secrets are not at hand, as in a pipeline."""
    assert config(tmp_path / "none", tmp_path / "none").services
