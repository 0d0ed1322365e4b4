"""Fetches roots of servers (``roots.py``) by the machine's own apt and mvn, and keeps them outside the repository.

python -m lab.matrix.fetch always         what is missing of the servers that `make test` runs
python -m lab.matrix.fetch [NAME ...]     what is missing of these roots, or of all

Packages are downloaded and unpacked into a folder of their own; nothing is installed, and apt's state is not touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from lab.exclusive import alone
from lab.matrix import data, roots, versions
from lab.matrix.roots import ROOTS, Debian, Jar

_SOURCES = Path("/etc/apt")
_LISTS = ("sources.list.d/*.sources", "sources.list", "sources.list.d/*.list")
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_BESIDE = {"bookworm-backports": ("bookworm",), "experimental": ("sid",)}
"""Suites that are no whole Debian, and what they stand on."""
_LINKS = ("bin", "sbin", "lib", "lib64")


class Moved(RuntimeError):
    """The suite has another series now."""


def mirror() -> str:
    """The mirror of Debian that this machine uses.

    Raises:
        RuntimeError: apt names none.
    """
    files = [
        *_SOURCES.glob("sources.list.d/*.sources"),
        _SOURCES / "sources.list",
        *_SOURCES.glob("sources.list.d/*.list"),
    ]
    text = "\n".join(file.read_text() for file in files if file.exists())
    found = re.search(r"^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s*)?)(\S+)", text, re.MULTILINE)
    if found is None:
        raise RuntimeError("apt on this machine names no mirror of Debian, where servers for the tests come from")
    return found[1]


class Suite:
    """apt over one suite of the mirror, with a state of its own below the cache."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = roots.cache() / "apt" / name

    def __enter__(self) -> Self:
        for folder in ("lists/partial", "archives/partial", "preferences.d"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        (self.state / "status").touch()
        suites = (self.name, *_BESIDE.get(self.name, ()))
        lines = [f"deb [signed-by={_KEYRING}] {mirror()} {suite} main\n" for suite in suites]
        (self.state / "sources.list").write_text("".join(lines))
        self._apt("update")
        return self

    def __exit__(self, *_: object) -> None:
        """What was downloaded is unpacked by now."""
        for archive in (self.state / "archives").glob("*.deb"):
            archive.unlink()

    def _apt(self, *words: str) -> str:
        options = {
            "Dir::State": self.state,
            "Dir::State::lists": self.state / "lists",
            "Dir::State::status": self.state / "status",
            "Dir::Cache": self.state,
            "Dir::Etc::sourcelist": self.state / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": self.state / "preferences.d",
            "Debug::NoLocking": 1,
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "APT::Install-Recommends": 0,
            "APT::Sandbox::User": "root",
            "APT::Keep-Downloaded-Packages": 1,
        }
        words = ("apt-get", "-qq", "-y", *words, *(f"-o{key}={value}" for key, value in options.items()))
        return _ran(*words)

    def unpack(self, root: Debian, into: Path) -> None:
        """The packages with all that they need.

        Raises:
            Moved: the suite has another series than the root names.
        """
        which = ("install", "-t", self.name, *root.packages)
        planned = re.findall(r"^Inst (\S+) .*?\((\S+) ", self._apt("--simulate", *which), re.MULTILINE)
        version = dict(planned).get(root.packages[0], "none")
        if not version.rpartition(":")[2].startswith(root.series):
            raise Moved(f"{self.name} has {root.packages[0]} {version}, and the tests name {root.series}x")
        self._apt("--download-only", *which)
        for link in _LINKS:
            (into / "usr" / link).mkdir(parents=True)
            (into / link).symlink_to(f"usr/{link}")
        for name, exact in planned:
            self._extract(f"{name}_{exact.replace(':', '%3a')}_*.deb", into)
        (into / "version").write_text(f"{version}\n")

    def _extract(self, pattern: str, into: Path) -> None:
        archive = next((self.state / "archives").glob(pattern))
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as reader:
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "--exclude=./usr/share/doc", "-C", into],
                stdin=reader.stdout,
                check=True,
            )


def _ran(*words: str | Path) -> str:
    """Runs one command; returns what it printed. Raises RuntimeError with the end of its complaint."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _open_jar(jar: Jar, into: Path) -> None:
    """Raises RuntimeError where the file is another one than the hash names."""
    with tempfile.TemporaryDirectory(dir=roots.cache(), prefix=".jar-") as scratch:
        _ran(
            "mvn",
            "-q",
            "-B",
            f"-Dmaven.repo.local={scratch}/m2",
            _COPY,
            f"-Dartifact={jar.artifact}",
            f"-DoutputDirectory={scratch}",
        )
        file = Path(scratch) / jar.file
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != jar.sha256:
            raise RuntimeError(f"{jar.artifact} has the hash {found}, and the tests name {jar.sha256}")
        packed = zipfile.ZipFile(file).read("mysql-Linux-amd64.tar.gz")
    subprocess.run(["tar", "-xz", "--no-same-owner", "-C", into], input=packed, check=True)
    (into / "version").write_text(f"{jar.artifact}\n")


@contextlib.contextmanager
def _new(name: str) -> Iterator[Path]:
    """A folder that takes the root's name once it is whole."""
    with tempfile.TemporaryDirectory(dir=roots.cache(), prefix=f".{name}-") as scratch:
        made = Path(scratch) / "root"
        made.mkdir()
        yield made
        made.rename(roots.directory(name))


def _from_suite(suite: str, names: list[str]) -> None:
    with Suite(suite) as opened:
        for name in names:
            root = ROOTS[name]
            assert isinstance(root, Debian)
            with _new(name) as made:
                opened.unpack(root, made)


def _from_jars(names: list[str]) -> None:
    for name in names:
        root = ROOTS[name]
        assert isinstance(root, Jar)
        with _new(name) as made:
            _open_jar(root, made)


def _fetch(source: str, names: list[str]) -> None:
    sys.stderr.write(f"fetching {' '.join(names)} for the tests; once\n")
    if source == "jar":
        _from_jars(names)
    else:
        _from_suite(source, names)


def fetch(*names: str) -> None:
    """Fetches what is missing of these roots, or of all; each source by itself, all at once.

    Raises:
        RuntimeError: it cannot run here, a source did not answer, or it has something else than the root names.
    """
    if why := roots.unfit():
        raise RuntimeError(f"no servers for the tests: {why}")
    with alone(roots.cache() / ".lock"):
        by_source = defaultdict[str, list[str]](list)
        for name in roots.missing(*(names or ROOTS)):
            root = ROOTS[name]
            by_source[root.suite if isinstance(root, Debian) else "jar"].append(name)
        with ThreadPoolExecutor() as workers:
            list(workers.map(_fetch, by_source, by_source.values()))


if __name__ == "__main__":
    try:
        wanted = versions.needed(every=False) if sys.argv[1:] == ["always"] else sys.argv[1:]
        fetch(*wanted)
        data.make(*wanted)
    except RuntimeError as error:
        sys.exit(str(error))
