"""A newcomer's machine: a bare Debian that has a fresh clone of this checkout, and little else.

Its mounts and processes live in namespaces of their own. They end with the process that entered the machine, however
that ends, so nothing stays mounted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import images, leftovers, pip
from lab.commands import ran
from lab.exclusive import alone
from lab.matrix import fetch
from lab.process import command

SUITES = ("bookworm", "trixie")
"""Debian 12 and 13."""
PACKAGES = ("ca-certificates", "git", "make", "python3", "python3-venv")
USER = "ada"
"""Who is not root there."""
_CLONE = "/srv/mooring"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_APT = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries")
_PROGRAMS = ("mmdebstrap", "unshare", "chroot", "setsid")
_ENTER = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
exec chroot "$0" "$@"
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """``root`` is its root folder; the clone belongs to ``USER``, where ``user`` says so."""

    root: Path
    user: str

    def line(self, script: str) -> list[str]:
        """The words that run shell commands in the clone, as the machine's user.

        The shell is the first process there, so a terminal's Ctrl-C ends what it started, and not itself.
        """
        proxies = [f"{name}={value}" for name in _PROXIES if (value := os.environ.get(name))]
        home = "/root" if self.user == "root" else f"/home/{self.user}"
        env = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", f"HOME={home}"]
        who = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups"]
        inside = [*env, "TERM=xterm", *proxies, *who, "sh", "-c", f"cd {_CLONE}\n{script}\nexit $?"]
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        return [*own, "sh", "-ec", _ENTER, str(self.root), *inside]

    def ran(self, script: str, seconds: float) -> tuple[int, str]:
        """Exit code and output of shell commands that end by themselves within so many seconds."""
        done = subprocess.run(
            self.line(script),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        return done.returncode, done.stdout


def archive(suite: str) -> Path:
    """The bare Debian as a tar file, made once. Raises RuntimeError with the end of mmdebstrap's complaint."""
    recipe = hashlib.sha256(repr(PACKAGES).encode()).hexdigest()[:8]
    file = images.directory() / f"fresh-{suite}-{recipe}.tar"
    with alone(file.with_suffix(".lock")):
        if not file.exists():
            with tempfile.TemporaryDirectory(dir=images.directory(), prefix=".new-") as new:
                made = Path(new) / "made.tar"
                words: list[str | Path] = [
                    "--variant=minbase",
                    f"--include={','.join(PACKAGES)}",
                    suite,
                    made,
                    fetch.mirror(),
                ]
                ran(command("mmdebstrap") or "mmdebstrap", *words)
                made.rename(file)
    return file


@contextlib.contextmanager
def machine(suite: str, user: str = "root") -> Iterator[Machine]:
    """A fresh one, removed at the end. Raises RuntimeError where it cannot be made."""
    with leftovers.scratch(f"fresh-{suite}") as folder:
        root = folder / "root"
        root.mkdir()
        ran("tar", "-xf", archive(suite), "-C", root)
        _let_out(root)
        made = Machine(root, user)
        ran("git", "clone", "--quiet", "--no-hardlinks", images.ROOT, root / _CLONE.lstrip("/"))
        if user != "root":
            ran("chroot", root, "useradd", "--create-home", user)
            ran("chroot", root, "chown", "--recursive", f"{user}:", _CLONE)
        yield made


def _let_out(root: Path) -> None:
    """Lets its pip, apt and git find what this machine's find: name servers, package mirrors, authorities."""
    for name in ("resolv.conf", "hosts"):
        shutil.copy(Path("/etc") / name, root / "etc" / name)
    (root / "run/secrets").mkdir(parents=True, exist_ok=True)
    with pip.files() as found:
        for name, path in found.items():
            shutil.copy(path, root / "run/secrets" / name)
    (root / "etc/pip.conf").symlink_to("/run/secrets/pip.conf")
    (root / "etc/apt/apt.conf.d/99outside").write_text(apt_settings(ran("apt-config", "dump")))


def apt_settings(dumped: str) -> str:
    """What of ``apt-config dump`` says how to reach a mirror."""
    return "".join(f"{line}\n" for line in dumped.splitlines() if line.startswith(_APT))


def missing() -> list[str]:
    """What this machine lacks for it, besides root."""
    return [name for name in _PROGRAMS if command(name) is None]
