"""Which of the files that logins read have changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ground.asking import target_of
from mooring.engine.credentials import Credentials
from mooring.model import Target


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A password and a CA, as files."""
    for name in ("password", "ca.crt"):
        (tmp_path / name).write_text("one\n")
    return tmp_path / "password", tmp_path / "ca.crt"


def targets(password: Path, ca: Path) -> list[Target]:
    tls = {"caFile": str(ca)}
    both = [target_of("redis", "127.0.0.1", port, passwordFile=str(password), tls=tls) for port in (1, 2)]
    return [*both, target_of("tcp", "127.0.0.1", 3)]


def test_the_first_look_finds_no_change(files: tuple[Path, Path]) -> None:
    """What was never seen before has not changed; nor has what stays."""
    credentials = Credentials()
    for _ in range(3):
        assert credentials.changed(targets(*files)) == frozenset()


@pytest.mark.parametrize("which", [0, 1], ids=["password", "CA"])
def test_a_file_that_is_written_is_told_once(files: tuple[Path, Path], which: int) -> None:
    """Whichever it is, and the other one not."""
    credentials = Credentials()
    credentials.changed(targets(*files))
    files[which].write_text("another\n")
    assert credentials.changed(targets(*files)) == {str(files[which])}
    assert credentials.changed(targets(*files)) == frozenset()


def test_a_file_of_the_same_size_and_moment_that_replaces_it_is_told(files: tuple[Path, Path]) -> None:
    """Another file is another file."""
    credentials = Credentials()
    credentials.changed(targets(*files))
    status = files[0].stat()
    new = files[0].with_name("new")
    new.write_text("two\n")
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(files[0])
    assert credentials.changed(targets(*files)) == {str(files[0])}


def test_a_link_that_is_swapped_is_told(tmp_path: Path) -> None:
    """As kubelet renews a Secret: ..data leads elsewhere, the path stays."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "password").write_text("same\n")
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "password").symlink_to("..data/password")
    known = [target_of("redis", "127.0.0.1", 1, passwordFile=str(tmp_path / "password"))]
    credentials = Credentials()
    credentials.changed(known)
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(tmp_path / "..data")
    assert credentials.changed(known) == {str(tmp_path / "password")}


def test_a_file_that_vanishes_and_comes_back_is_told_both_times(files: tuple[Path, Path]) -> None:
    """Whoever logs in with it has news either way."""
    credentials = Credentials()
    credentials.changed(targets(*files))
    files[0].unlink()
    assert credentials.changed(targets(*files)) == {str(files[0])}
    files[0].write_text("one\n")
    assert credentials.changed(targets(*files)) == {str(files[0])}


def test_a_target_that_comes_later_brings_no_change(files: tuple[Path, Path]) -> None:
    """Its login reads the file as it is."""
    credentials = Credentials()
    credentials.changed([])
    assert credentials.changed(targets(*files)) == frozenset()
    credentials.changed([])
    files[0].write_text("another\n")
    assert credentials.changed(targets(*files)) == frozenset()
