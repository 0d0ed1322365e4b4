"""Servers for the tests come from packages that are what they are named for."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.matrix import fetch, roots, versions
from lab.matrix.roots import ROOTS, Debian, Jar

DEB822 = "Types: deb\n# http://snapshot.example/debian\nURIs: http://mirror.example/debian\nSuites: bookworm\n"
ONE_LINE = "# deb http://old.example/ x\ndeb [arch=amd64 signed-by=/k.gpg] http://line.example/debian bookworm main\n"


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("sources.list.d/debian.sources", DEB822, "http://mirror.example/debian"),
        ("sources.list", ONE_LINE, "http://line.example/debian"),
    ],
)
def test_the_mirror_is_the_machines_own(
    file: str, text: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In either form of apt's lists; comments are none."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / file).write_text(text)
    monkeypatch.setattr(fetch, "_SOURCES", tmp_path)
    assert fetch.mirror() == found


class _Planning(fetch.Suite):
    """apt that would install this version of a server."""

    def __init__(self, version: str) -> None:
        self.name = "sid"
        self._version = version

    def _apt(self, *words: str) -> str:
        assert "--simulate" in words
        server = f"Inst mysql-server-core [old] ({self._version} Debian:sid [amd64])"
        return f"Inst libc6 (2.43-7 Debian:sid [amd64])\n{server}\n"


def test_a_suite_that_has_moved_on_is_an_error(tmp_path: Path) -> None:
    """A row of the table never shows another series than it names."""
    with pytest.raises(fetch.Moved, match=r"sid has mysql-server-core 1:9\.8\.1-1, and the tests name 9\.7\.x"):
        _Planning("1:9.8.1-1").unpack(Debian("sid", ("mysql-server-core",), "9.7."), tmp_path)


def test_a_jar_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is unpacked."""
    jar = Jar("org.example:a-server:1.0", "0" * 64)

    def copies(*words: str | Path) -> str:
        folder = next(str(word).partition("=")[2] for word in words if "outputDirectory" in str(word))
        (Path(folder) / jar.file).write_bytes(b"something else")
        return ""

    monkeypatch.setattr(roots, "cache", lambda: tmp_path)
    monkeypatch.setattr(fetch, "_ran", copies)
    into = tmp_path / "root"
    into.mkdir()
    with pytest.raises(RuntimeError, match=r"a-server:1\.0 has the hash [0-9a-f]{64}, and the tests name 0{64}"):
        fetch._open_jar(jar, into)
    assert not list(into.iterdir())


def test_every_version_has_a_root() -> None:
    """Those of `make test` are some of all."""
    every = versions.needed(every=True)
    assert set(versions.needed(every=False)) < set(every) <= set(ROOTS)


def test_another_recipe_is_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older checkout keeps its own servers."""
    before = roots.directory("redis80")
    monkeypatch.setitem(ROOTS, "redis80", Debian("trixie", ("redis-server",), "8.0."))
    assert roots.directory("redis80") != before
