"""Which of the files that logins read have changed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.model.fingerprint import FileFingerprint
from mooring.model.targets import Target
from mooring.probe.credential_files import MOST_LOOKS, Credentials
from mooring.protocols.transport.files import FileReader
from support.probe_once import target_of


class Watch:
    """Asks as the scheduler does: a first look ends some time after the question that began it."""

    def __init__(self, reader: FileReader | None = None) -> None:
        self._credentials = Credentials(reader or FileReader())

    def changed(self, targets: Iterable[Target]) -> frozenset[str]:
        """All that is found until each file has been looked at once more."""
        self._credentials.assign(targets)
        found = self._credentials.changed()  # which may be of a look that began before
        for _ in range(2):
            wait_until(lambda: all(look.done() for look in self._credentials._looks.values()), 10, "the looks")
            found |= self._credentials.changed()
        wait_until(lambda: all(look.done() for look in self._credentials._looks.values()), 10, "the looks")
        return found


def _looked(credentials: Credentials, targets: Iterable[Target]) -> frozenset[str]:
    """What has changed of the files of these targets."""
    credentials.assign(targets)
    return credentials.changed()


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
    credentials = Watch()
    for _ in range(3):
        assert credentials.changed(targets(*files)) == frozenset()


@pytest.mark.parametrize("which", [0, 1], ids=["password", "CA"])
def test_a_file_that_is_written_is_reported_once(files: tuple[Path, Path], which: int) -> None:
    """Whichever it is, and the other one not."""
    credentials = Watch()
    credentials.changed(targets(*files))
    files[which].write_text("another\n")
    assert credentials.changed(targets(*files)) == {str(files[which])}
    assert credentials.changed(targets(*files)) == frozenset()


def test_a_file_of_the_same_size_and_moment_that_replaces_it_is_reported(files: tuple[Path, Path]) -> None:
    """Another file is another file."""
    credentials = Watch()
    credentials.changed(targets(*files))
    status = files[0].stat()
    new = files[0].with_name("new")
    new.write_text("two\n")
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(files[0])
    assert credentials.changed(targets(*files)) == {str(files[0])}


def test_a_link_that_is_swapped_is_reported(tmp_path: Path) -> None:
    """As kubelet renews a Secret: the link ..data changes, the path stays."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "password").write_text("same\n")
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "password").symlink_to("..data/password")
    known = [target_of("redis", "127.0.0.1", 1, passwordFile=str(tmp_path / "password"))]
    credentials = Watch()
    credentials.changed(known)
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(tmp_path / "..data")
    assert credentials.changed(known) == {str(tmp_path / "password")}


def test_a_file_that_vanishes_and_comes_back_is_reported_both_times(files: tuple[Path, Path]) -> None:
    """A login with it ends otherwise both times."""
    credentials = Watch()
    credentials.changed(targets(*files))
    files[0].unlink()
    assert credentials.changed(targets(*files)) == {str(files[0])}
    files[0].write_text("one\n")
    assert credentials.changed(targets(*files)) == {str(files[0])}


def test_a_target_that_comes_later_brings_no_change(files: tuple[Path, Path]) -> None:
    """Its login reads the file as it is."""
    credentials = Watch()
    credentials.changed([])
    assert credentials.changed(targets(*files)) == frozenset()
    credentials.changed([])
    files[0].write_text("another\n")
    assert credentials.changed(targets(*files)) == frozenset()


def test_a_file_that_does_not_answer_holds_back_no_other_and_no_caller(files: tuple[Path, Path]) -> None:
    """The scheduler asks each second and never waits; the stand-in for a mount that hangs blocks in its thread."""
    reader = FileReader()
    look = reader.look

    def hanging(path: str) -> Future[FileFingerprint]:
        return Future() if path == str(files[1]) else look(path)

    reader.look = hanging  # type: ignore[method-assign] # the stand-in
    credentials, known = Credentials(reader), targets(*files)
    _looked(credentials, known)
    files[0].write_text("another\n")
    wait_until(credentials._looks[str(files[0])].done, 10, "the first look")
    _looked(credentials, known)
    files[0].write_text("a third\n")
    assert wait_until(lambda: _looked(credentials, known), 10, "the change") == {str(files[0])}


def test_more_files_than_a_turn_has_looks_take_turns(tmp_path: Path) -> None:
    """A thousand password files cost no thousand looks a second, and none is forgotten."""
    paths = [tmp_path / str(number) for number in range(MOST_LOOKS * 2 + 50)]
    for path in paths:
        path.write_text("x")
    known = [target_of("redis", "127.0.0.1", 1, passwordFile=str(path)) for path in paths]
    looked, reader = list[str](), FileReader()

    def noted(path: str) -> Future[FileFingerprint]:
        looked.append(path)
        done = Future[FileFingerprint]()
        done.set_result((len(looked),) if path == str(paths[0]) else ())
        return done

    reader.look = noted  # type: ignore[method-assign] # a stand-in that counts
    credentials, found = Credentials(reader), set[str]()
    for _ in range(9):
        found |= _looked(credentials, known)
    assert len(looked) == 9 * MOST_LOOKS
    assert set(looked) == set(map(str, paths))
    assert found == {str(paths[0])}
