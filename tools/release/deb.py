"""A package for each Debian: a virtual environment in /opt/mooring, the unit, and /etc/mooring.

The locked packages are chosen for that Debian's own Python, so each can be made on any machine that has dpkg-deb.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import pip
from lab.commands import ran
from release import project

CONTROL = project.ROOT / "deploy/deb"
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
_SCRIPTS = ("postinst", "prerm", "postrm")
_PREFIX = "opt/mooring"
_FILES = {
    "deploy/systemd/mooring.service": "usr/lib/systemd/system/mooring.service",
    "config/example.yaml": "usr/share/doc/mooring/example.yaml",
    "CHANGELOG.md": "usr/share/doc/mooring/CHANGELOG.md",
    "LICENSE": "usr/share/doc/mooring/copyright",
}
_START = "#!/opt/mooring/bin/python -I\nimport sys\n\nfrom mooring.cli.main import main\n\nsys.exit(main())\n"
_ENVIRONMENT = "home = /usr/bin\ninclude-system-site-packages = false\nversion = {}\n"


@dataclass(frozen=True, slots=True)
class Debian:
    """A release with its Python's minor version, and the oldest C library that its packages may ask for."""

    number: int
    minor: int
    glibc: str

    @property
    def python(self) -> str:
        return f"3.{self.minor}"


DEBIANS = (Debian(12, 11, "2_36"), Debian(13, 13, "2_40"))


def version(debian: Debian) -> str:
    """Older than the next version's, and a newer Debian's is newer, so that an upgrade of Debian replaces it."""
    return f"{project.version()}-1~deb{debian.number}"


def control(debian: Debian, architecture: str, kib: int) -> str:
    """The package's facts; ``kib`` is its size once installed."""
    fields = (CONTROL / "control").read_text()
    return fields.format(
        version=version(debian),
        architecture=architecture,
        kib=kib,
        python=debian.python,
        after=f"3.{debian.minor + 1}",
    )


def _install(site: Path, debian: Debian, machine: str) -> None:
    """The locked packages and Mooring's own sources, without what Mooring never imports. Raises RuntimeError."""
    uv = Path(sys.executable).with_name("uv")
    target: list[str | Path] = ["--target", site, "--python-version", debian.python]
    target += ["--python-platform", f"{machine}-manylinux_{debian.glibc}"]
    lock = ["--require-hashes", "--only-binary", ":all:", "--requirement", "requirements/run.txt"]
    ran(*[uv, "pip", "install", "--quiet", "--link-mode", "copy", *target, *lock], cwd=project.ROOT, **pip.index())
    _trim(site)
    shutil.copytree(project.ROOT / "daemon/mooring", site / "mooring", ignore=shutil.ignore_patterns("__pycache__"))


def _trim(site: Path) -> None:
    """As the image does."""
    program = (
        "import pathlib, shutil, sys; sys.path[:0] = sys.argv[1:]; import trim\n"
        "for path in list(trim.found(pathlib.Path(sys.argv[1]))):\n"
        "    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)\n"
    )
    ran(sys.executable, "-c", program, site, project.ROOT / "deploy/image")
    shutil.rmtree(site / "bin", ignore_errors=True)


def tree(root: Path, debian: Debian, machine: str) -> None:
    """All that the package installs, below ``root``. Raises RuntimeError."""
    prefix = root / _PREFIX
    site = prefix / f"lib/python{debian.python}/site-packages"
    site.mkdir(parents=True)
    _install(site, debian, machine)
    (prefix / "bin").mkdir()
    (prefix / "bin/python").symlink_to(f"/usr/bin/python{debian.python}")
    (prefix / "bin/python3").symlink_to("python")
    (prefix / "pyvenv.cfg").write_text(_ENVIRONMENT.format(debian.python))
    (prefix / "bin/mooring").write_text(_START)
    (prefix / "bin/mooring").chmod(0o755)
    for source, place in _FILES.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project.ROOT / source, root / place)
    (root / "usr/bin").mkdir()
    for name in ("mooring", "kubectl-mooring"):
        (root / "usr/bin" / name).symlink_to("/opt/mooring/bin/mooring")
    (root / "etc/mooring/tls").mkdir(parents=True)
    (root / "etc/mooring/secrets").mkdir()


def _modes(root: Path) -> None:
    """For everybody to read, whatever this machine's umask is; secrets only for root."""
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    (root / "etc/mooring/secrets").chmod(0o700)


def _facts(root: Path, debian: Debian, architecture: str) -> None:
    kib = sum(path.lstat().st_size for path in root.rglob("*")) // 1024
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(control(debian, architecture, kib))
    for name in _SCRIPTS:
        shutil.copyfile(CONTROL / name, root / "DEBIAN" / name)
        (root / "DEBIAN" / name).chmod(0o755)


def architecture() -> str:
    """As Debian names this machine's, or ``DEB_ARCHITECTURE``. Raises RuntimeError where there is no Debian's tool."""
    if asked := os.environ.get("DEB_ARCHITECTURE"):
        return asked
    if shutil.which("dpkg-deb") is None or shutil.which("dpkg") is None:
        raise RuntimeError("the .deb needs dpkg-deb (Debian's package dpkg)")
    asking = ["dpkg", "--print-architecture"]
    return subprocess.run(asking, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def packages(dist: Path, debians: Sequence[Debian] = DEBIANS) -> Iterator[Path]:
    """Writes one for each Debian into this folder. Raises RuntimeError."""
    kind = architecture()
    if kind not in ARCHITECTURES:
        raise RuntimeError(f"no .deb is made for {kind}; these are: {', '.join(ARCHITECTURES)}")
    for debian in debians:
        file = dist / f"mooring_{version(debian)}_{kind}.deb"
        with tempfile.TemporaryDirectory(dir=dist) as folder:
            root = Path(folder) / "root"
            root.mkdir(mode=0o755)
            tree(root, debian, ARCHITECTURES[kind])
            _modes(root)
            _facts(root, debian, kind)
            words = ["dpkg-deb", "-Zgzip", "-z6", "--root-owner-group", "--build", str(root), str(file.absolute())]
            ran(*words, SOURCE_DATE_EPOCH=str(project.moment()))
        yield file
