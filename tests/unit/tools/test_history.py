"""An oracle sees every version of a manifest, however fast they follow, or learns that it did not."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from lab.closed_files import ClosedFiles
from lab.history import History, Version, addresses
from lab.waiting import wait_until

MANIFEST = "subsets: [{{addresses: [{{ip: 10.20.0.{n}}}], notReadyAddresses: [{{ip: 10.20.1.{n}}}]}}]\n"


WRITER = """
import os, pathlib, sys, tempfile, time
folder = pathlib.Path(sys.argv[1])
for number in range(int(sys.argv[2])):
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".")
    os.write(descriptor, b"%d" % number)
    os.close(descriptor)
    os.replace(name, folder / "db.yaml")
    time.sleep(float(sys.argv[3]))
"""


def publish(path: Path, text: str) -> None:
    """Replaces a manifest as the daemon does: a temporary file of a new name in the same folder, renamed."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).replace(path)


class Forbidden(ClosedFiles):
    """As for a user who is not root."""

    def __init__(self) -> None:
        super().__init__()
        self.close()
        self._events = -1


def opened() -> Counter[str]:
    """What this process has open, but for sockets: threads of an earlier test may close or open some meanwhile."""
    found = Counter[str]()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that reads the folder
            found[str(entry.readlink())] += 1
    return Counter({link: count for link, count in found.items() if not link.startswith("socket:")})


def flood(directory: Path, count: int, pause: float, closed: ClosedFiles | None = None) -> tuple[list[int], int]:
    """Versions 0, 1, 2 ... written by another process: the recorded ones, and how many are known to be missing."""
    with History(directory, closed=closed) as history:
        subprocess.run([sys.executable, "-c", WRITER, directory / "default", str(count), str(pause)], check=True)
    return [int(version.text or -1) for version in history.of("default/db")], history.missed


def test_each_version_is_recorded_in_order(tmp_path: Path) -> None:
    """Versions that follow each other as fast as a daemon writes are all recorded, the oldest first."""
    assert flood(tmp_path, 40, 0.05) == (list(range(40)), 0)


def test_no_version_is_missed_in_silence(tmp_path: Path) -> None:
    """Of versions that come as fast as the machine can write, each one is recorded or counted as missed."""
    seen, missed = flood(tmp_path, 1000, 0, Forbidden())
    assert seen == sorted(set(seen))
    assert len(seen) + missed == 1000


def test_versions_tell_their_addresses(tmp_path: Path) -> None:
    """A version knows its ready and not ready addresses, and the Service it belongs to."""
    with History(tmp_path, namespaces=["default", "shop"]) as history:
        publish(tmp_path / "shop/db.yaml", MANIFEST.format(n=7))
        publish(tmp_path / "default/db.yaml", MANIFEST.format(n=8))
    (seen,) = history.of("shop/db")
    assert (seen.ready, seen.not_ready) == (["10.20.0.7"], ["10.20.1.7"])
    assert {version.service for version in history.all()} == {"shop/db", "default/db"}


def test_what_was_there_before_is_the_first_version(tmp_path: Path) -> None:
    """A manifest that a former daemon left is recorded, so that the first change shows against it."""
    (tmp_path / "default").mkdir()
    publish(tmp_path / "default/db.yaml", "old")
    with History(tmp_path) as history:
        publish(tmp_path / "default/db.yaml", "new")
    assert [version.text for version in history.all()] == ["old", "new"]


def test_removal_and_edits_in_place_are_seen(tmp_path: Path) -> None:
    """A manifest that is removed leaves a version without text; one written in place is a version, too."""
    path = tmp_path / "default/db.yaml"
    with History(tmp_path) as history:
        publish(path, "one")
        wait_until(lambda: len(history.all()) == 1, 5, "the manifest to be seen")
        path.write_text("two")
        wait_until(lambda: len(history.all()) == 2, 5, "the edit to be seen")
        path.rename(tmp_path / "elsewhere")
        wait_until(lambda: len(history.all()) == 3, 5, "the removal to be seen")
        publish(path, "three")
        wait_until(lambda: len(history.all()) == 4, 5, "the new manifest to be seen")
        path.unlink()
    assert [version.text for version in history.all()] == ["one", "two", None, "three", None]


def test_a_version_that_came_too_late_is_counted(tmp_path: Path) -> None:
    """Where a version could not be read before the next one replaced it, the history says that it is not whole."""
    history = History(tmp_path, closed=Forbidden())
    for text in ("one", "two"):
        publish(tmp_path / "default/db.yaml", text)  # before the watcher runs
    with history:
        pass
    assert [version.text for version in history.all()] == ["two"]
    assert history.missed == 1


@pytest.mark.needs_root
def test_root_misses_no_version_however_late_it_looks(tmp_path: Path) -> None:
    """The kernel keeps each file that was written until the history has read it: a busy machine costs no version."""
    before = opened()
    history = History(tmp_path, namespaces=["default", "shop"])
    (tmp_path / "default/.db.yaml.new").write_text("half")
    (tmp_path / "default/.db.yaml.new").unlink()
    for text in ("one", "two", "three"):
        publish(tmp_path / "default/db.yaml", text)  # before the watcher runs
        publish(tmp_path / "shop/db.yaml", f"shop {text}")
    with history:
        pass
    assert [version.text for version in history.of("default/db")] == ["one", "two", "three"]
    assert [version.text for version in history.of("shop/db")] == ["shop one", "shop two", "shop three"]
    assert history.missed == 0
    assert opened() <= before


@pytest.mark.needs_root
def test_root_misses_no_version_of_a_flood(tmp_path: Path) -> None:
    """Of versions that come as fast as the machine can write, each one is recorded."""
    assert flood(tmp_path, 1000, 0) == (list(range(1000)), 0)


def test_failed_writes_are_no_versions(tmp_path: Path) -> None:
    """A temporary file that is given up leaves neither a version nor an open file."""
    before = opened()
    with History(tmp_path) as history:
        (tmp_path / "default/.db.yaml.new").write_text("half")
        (tmp_path / "default/.db.yaml.new").unlink()
    assert history.all() == []
    assert opened() <= before


def test_addresses_of_nothing_are_none() -> None:
    """A missing manifest, one without subsets and one with null lists have no addresses."""
    assert addresses(None, "addresses") == []
    assert addresses({"subsets": None}, "addresses") == []
    assert addresses({"subsets": [{"addresses": None}]}, "addresses") == []
    assert Version("default/db", 0.0, None).ready == []
