"""The files of a release, made as `make release` makes them, installed and run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from kube import helm
from lab import containers, images, pip
from lab.images import ROOT
from mooring import __version__
from release import __main__ as release
from release import deb, image, project

EXAMPLE = ROOT / "config/example.yaml"
IMPORTS = """
import importlib, pkgutil, mooring, pymysql._auth
assert pymysql._auth._have_cryptography
names = [one.name for one in pkgutil.walk_packages(mooring.__path__, "mooring.") if not one.name.endswith("__main__")]
print(len([importlib.import_module(name) for name in names]))
"""
"""Every module of Mooring finds what it needs."""
INSTALLED = f"""
dpkg --install /dist/mooring_*~deb12_*.deb >&2
mooring --version
mooring validate /usr/share/doc/mooring/example.yaml >&2
cd /tmp
mkdir state
mooring run --once --cluster local --state-dir state --config /dist/one.yaml >&2 || test $? = 1
grep -A1 notReady state/default/sessions.yaml
/opt/mooring/bin/python -I -c '{IMPORTS}' >&2
test -e /usr/lib/systemd/system/mooring.service
stat -c '%a %U' /etc/mooring/secrets
dpkg --remove mooring >&2
ls -d /opt/mooring /usr/bin/mooring 2>/dev/null || echo gone
"""
"""As root on a Debian 12 without a network: installed, run, removed."""
DEAD = """
version: 1
services:
  - name: sessions
    ports: [{name: redis, port: 6379}]
    hosts: [{address: 10.20.0.21, probeAddress: 127.0.0.1}]
    check: {redis: {}}
"""


def printed(*words: str | Path, **env: str) -> str:
    done = subprocess.run(words, env=os.environ | env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, the source package and the chart."""
    made = tmp_path_factory.mktemp("dist")
    files = release.make(["python", "chart", "sbom"], made)
    assert [file for file in files if not file.is_file()] == []
    return made


def test_the_wheel_in_a_fresh_environment(dist: Path, tmp_path: Path) -> None:
    """With the locked packages and nothing of the development's: the program runs and takes the example."""
    uv, venv = Path(sys.executable).with_name("uv"), tmp_path / "venv"
    install = ("pip", "install", "--quiet", "--python", venv / "bin/python")
    own = pip.index()
    printed(uv, "venv", "--quiet", "--python", sys.executable, venv)
    printed(uv, *install, "--require-hashes", "--requirement", ROOT / "requirements/run.txt", **own)
    printed(uv, *install, "--no-deps", "--offline", next(dist.glob("*.whl")))
    assert __version__ in printed(venv / "bin/mooring", "--version")
    assert "valid" in printed(venv / "bin/mooring", "validate", EXAMPLE)
    assert int(printed(venv / "bin/python", "-I", "-c", IMPORTS)) > 100


def test_the_source_package_makes_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    """File for file; so a distributor needs nothing but it."""
    with tarfile.open(next(dist.glob("mooring-[0-9]*.tar.gz"))) as tar:
        tar.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "again")]
    subprocess.run(build, cwd=folder, capture_output=True, check=True, timeout=300)
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as one, zipfile.ZipFile(next((tmp_path / "again").iterdir())) as two:
        assert {info.filename: info.CRC for info in one.infolist()} == {
            info.filename: info.CRC for info in two.infolist()
        }


@pytest.mark.needs_cluster  # for Helm: nothing is started
def test_helm_takes_the_chart_s_package(dist: Path) -> None:
    """Its linter has nothing to say, and it makes the same objects as the folder."""
    package = next(dist.glob("*.tgz"))
    assert "0 chart(s) failed" in helm.linted(chart=package)
    assert helm.rendered(chart=package) == helm.rendered()


@pytest.mark.needs_image
def test_the_deb_on_a_debian_12(tmp_path: Path) -> None:
    """Installed without a network it runs, publishes and is removed again; only root may read its secrets."""
    assert [file.is_file() for file in deb.packages(tmp_path, deb.DEBIANS[:1])] == [True]
    (tmp_path / "one.yaml").write_text(DEAD)
    line = [*containers.ENGINE, "run", "--rm", "--name", containers.new_name("deb"), *containers.LIMITS]
    line += ["--network", "none", "--volume", f"{tmp_path}:/dist:ro", images.base()]
    said = printed(*line, "sh", "-ec", INSTALLED)
    expected = [f"mooring {__version__}", "- notReadyAddresses:", "  - ip: 10.20.0.21", "700 root", "gone"]
    assert said.splitlines() == expected


@pytest.mark.needs_image
def test_the_image_s_archive_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine loads it, under the name that the chart asks for, and it runs."""
    images.mooring()
    monkeypatch.setenv("ENGINE", "buildah")
    with pip.secrets() as secrets:
        monkeypatch.setenv("IMAGE_OPTIONS", shlex.join([*images.here(), *secrets]))
        [file] = image.archive(tmp_path)
    subprocess.run(["podman", "rmi", image.name()], capture_output=True, check=False, timeout=60)
    try:
        assert image.name() in printed("podman", "load", "--quiet", "--input", file)
        assert containers.run(image.name(), "--version").stdout.strip() == f"mooring {project.version()}"
    finally:
        subprocess.run(["podman", "rmi", image.name()], capture_output=True, check=False, timeout=60)
