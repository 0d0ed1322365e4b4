"""What a file looks like from outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mooring.model.fingerprint import GONE, fingerprint


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_text("one")
    return made


def test_a_file_that_stays_has_one_fingerprint(path: Path, tmp_path: Path) -> None:
    """By whichever link it is looked at."""
    (tmp_path / "link").symlink_to(path)
    assert fingerprint(path) == fingerprint(str(path)) == fingerprint(tmp_path / "link") != GONE


def test_a_file_that_is_written_or_replaced_has_another(path: Path) -> None:
    """Also by one of the same size and time of change."""
    before, status = fingerprint(path), path.stat()
    new = path.with_name("new")
    new.write_text("two")
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(path)
    replaced = fingerprint(path)
    path.write_text("three")
    assert len({before, replaced, fingerprint(path)}) == 3


def test_what_is_not_there_has_none(tmp_path: Path, path: Path) -> None:
    """A missing file, and a path under a file."""
    assert fingerprint(tmp_path / "none") == fingerprint(path / "inside") == GONE
