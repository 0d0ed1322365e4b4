"""The files that the configuration names, looked at before the first probe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mooring.config import AddressPolicy, parse, unreadable_files
from mooring.spec import Config


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
    """A password and a CA that can be read say nothing."""
    assert unreadable_files(config(good, good)) == []


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n"], ids=["nothing", "a newline", "a line end"])
def test_an_empty_secret_is_named(tmp_path: Path, good: Path, content: bytes) -> None:
    """An empty password is a mistake: a line end alone is none."""
    empty = tmp_path / "empty"
    empty.write_bytes(content)
    assert unreadable_files(config(empty, good)) == [f"default/db: check.mysql: the file {empty} is empty"]


@pytest.mark.parametrize("content", [b" ", b"\n\n", b"x"], ids=["a space", "two newlines", "a letter"])
def test_anything_else_is_a_password(tmp_path: Path, good: Path, content: bytes) -> None:
    """Only one newline is no part of a password."""
    path = tmp_path / "password"
    path.write_bytes(content)
    assert unreadable_files(config(path, good)) == []


def test_each_file_that_cannot_be_read_is_named(tmp_path: Path, good: Path) -> None:
    """Missing, under a file, a folder, a pipe: each with its Service and the cause, and nothing waits for a writer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = unreadable_files(config(tmp_path / "none", good / "inside")) + unreadable_files(config(tmp_path, pipe))
    assert found == [
        f"default/db: check.mysql: the file {tmp_path / 'none'} does not exist",
        f"default/db: check.mysql: the file {good / 'inside'} cannot be read: Not a directory",
        f"default/db: check.mysql: the file {tmp_path} is not a regular file",
        f"default/db: check.mysql: the file {pipe} is not a regular file",
    ]


def test_a_ca_that_is_not_used_is_not_wanted(tmp_path: Path, good: Path) -> None:
    """With TLS disabled its files may be absent."""
    assert unreadable_files(config(good, tmp_path / "none", mode="disabled")) == []


def test_checking_the_file_opens_no_secret(tmp_path: Path) -> None:
    """A file is valid where its secrets are not at hand, as in a pipeline."""
    assert config(tmp_path / "none", tmp_path / "none").services
