"""When the file is read, and what is made of it; a real daemon is in tests/scenarios/test_reload.py."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.config.reload import Reloader, is_mount_point
from mooring.model.errors import ConfigError
from mooring.model.fingerprint import GONE, fingerprint
from mooring.model.spec import Config
from support.mounted_folder import Mounted


class Desk:
    """A reloader of a file whose every content but "bad" is valid, and all that it did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.did: list[str] = []
        self.parsed = 0
        self.reloader = Reloader(
            path,
            self._parse,
            _config(path.read_bytes()),
            take=lambda config: self.did.append(f"took {config.hash[:4]}"),
            refuse=lambda problems: self.did.append(f"refused {problems[0].removeprefix(str(path))}"),
            on_reload=lambda begins: self.did.append("begins" if begins else "ends"),
        )

    def _parse(self, data: bytes) -> Config:
        self.parsed += 1
        if data == b"bad":
            raise ConfigError("is bad")
        return _config(data)

    def wait(self, *did: str) -> None:
        wait_until(lambda: len(self.did) >= len(did), 5, f"{did}")
        assert self.did == list(did)
        self.did.clear()


def _config(data: bytes) -> Config:
    return Config((), hashlib.sha256(data).hexdigest())


def took(text: str) -> str:
    return f"took {_config(text.encode()).hash[:4]}"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    path = tmp_path / "config.yaml"
    path.write_text("one")
    made = Desk(path)
    yield made
    made.reloader.stop()


def test_a_change_is_read_once_and_no_change_never(desk: Desk) -> None:
    """The same content as before, touched or written anew, is not handed on."""
    desk.reloader.start()
    os.utime(desk.path, (1, 1))
    desk.path.write_text("two")
    desk.wait(took("two"), "ends")
    desk.path.write_text("two")
    desk.path.write_text("three")
    desk.wait(took("three"), "ends")
    assert desk.parsed == 2


def test_a_change_between_the_start_and_the_first_look_is_seen(desk: Desk) -> None:
    """The file is compared with what the daemon was started on, not with what the first look finds."""
    desk.path.write_text("two")
    desk.reloader.start()
    desk.wait(took("two"), "ends")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.write_text("bad"), "is bad"),
        (lambda path: path.unlink(), ": cannot be read: No such file or directory"),
        (lambda path: (path.unlink(), path.mkdir()), ": cannot be read: Is a directory"),
    ],
    ids=["wrong", "vanished", "a-folder"],
)
def test_what_cannot_be_used_is_refused_once_and_forgiven(
    desk: Desk, spoil: Callable[[Path], object], why: str
) -> None:
    """The old content is taken again then, too: it shows that the file is right."""
    desk.reloader.start()
    spoil(desk.path)
    desk.wait(f"refused {why}", "ends")
    if desk.path.is_dir():
        desk.path.rmdir()
    desk.path.write_text("one")
    desk.wait(took("one"), "ends")


def test_who_asks_gets_an_answer(desk: Desk) -> None:
    """A reload that was asked for begins, reads what did not change, and ends."""
    desk.reloader.start()
    desk.reloader.ask()
    desk.wait("begins", took("one"), "ends")
    desk.path.unlink()
    desk.reloader.ask()
    desk.wait("begins", "refused : cannot be read: No such file or directory", "ends")


def test_asked_often_it_answers_once(desk: Desk) -> None:
    """Signals that come faster than files can be read are one."""
    for _ in range(100):
        desk.reloader.ask()
    desk.reloader.start()
    desk.wait("begins", took("one"), "ends")
    assert desk.parsed == 1


def test_a_mark_differs_whoever_changes_the_file(tmp_path: Path) -> None:
    """A swap of the mounted folder, a rename, a write in place, and its end."""
    mounted = Mounted(tmp_path / "mounted")
    marks = []
    for text in ("same", "same"):
        mounted.write(config=text)
        marks.append(fingerprint(mounted.config))
    other = tmp_path / "other"
    other.write_text("same")
    mounted.config.unlink()
    other.rename(mounted.config)
    marks.append(fingerprint(mounted.config))
    mounted.config.write_text("SAME")
    marks.append(fingerprint(mounted.config))
    mounted.config.unlink()
    marks.append(fingerprint(mounted.config))
    assert len(set(marks)) == len(marks)
    assert marks[-1] == GONE


@pytest.mark.parametrize(
    ("point", "alone"),
    [("{folder}/config.yaml", True), ("{folder}", False), ("/", False), ("{folder}/config.yaml/x", False)],
)
def test_a_file_that_is_mounted_alone_is_recognized(tmp_path: Path, point: str, alone: bool) -> None:  # noqa: FBT001 -- a table
    """Field 5 of mountinfo, with its spaces as octal numbers, reached through any symlink."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "config.yaml").write_text("")
    link = tmp_path / "link.yaml"
    link.symlink_to(folder / "config.yaml")
    mounted = point.format(folder=folder).replace(" ", r"\040")
    text = f"36 35 98:0 /x / rw - ext4 /dev/sda rw\n37 36 98:0 /y {mounted} rw,noatime master:1 - ext4 /dev/sda rw\n"
    assert is_mount_point(link, text) is alone
