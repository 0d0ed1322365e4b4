"""Mooring in a virtual environment of its own, by the very lines of docs/install.md, in the Debian that runs it.

python -m lab.installed      makes what is missing; cold this takes some minutes, warm a second
"""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lab import images, pip
from lab.containers import ENGINE, LIMITS
from lab.exclusive import alone
from lab.images import ROOT

PACKAGES = ("systemd", "systemd-sysv", "mariadb-server", "procps")
SECTION = "## Beside the database\n"
PLACE = "/opt/mooring"
_LOCKS = ("requirements/run.txt", "requirements/build.txt")
_SOURCES = ("daemon/mooring", "pyproject.toml", "README.md", "LICENSE")
_KEPT = 3
_SECONDS = 600


def commands(block: int) -> list[str]:
    """What root types in a console block of the page's section, as it stands there."""
    section = (ROOT / "docs/install.md").read_text().partition(SECTION)[2].partition("\n## ")[0]
    consoles = re.findall(r"^```console\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return [line.removeprefix("# ") for line in consoles[block].splitlines() if line.startswith("# ")]


def image() -> str:
    """A Debian with systemd and MariaDB. Raises RuntimeError."""
    return images.base(PACKAGES)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _ran(script: str, *options: str) -> None:
    """Runs shell commands in the image. Raises RuntimeError with the end of what they said."""
    line = [*ENGINE, "run", "--rm", *LIMITS, "--volume", f"{ROOT}:/src:ro", "--workdir", "/src", *options, image()]
    done = subprocess.run([*line, "sh", "-ec", script], capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{script}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def _made(path: Path, script: str, inside: str, *options: str) -> Path:
    """A folder that the script fills, mounted at ``inside``; made once."""
    with alone(path.with_suffix(".lock")):
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as new:
                made = Path(new) / "made"
                made.mkdir()
                _ran(script, "--volume", f"{made}:{inside}", *options)
                made.rename(path)
    return path


@functools.cache
def wheels() -> Path:
    """The locked packages for the image's Python, and what builds Mooring's own."""
    key = _digest(image(), *((ROOT / lock).read_text() for lock in _LOCKS))
    wanted = " ".join(f"--requirement {lock}" for lock in _LOCKS)
    script = f"python3 -m venv /tmp/v && /tmp/v/bin/pip download --dest /wheels --only-binary :all: {wanted}"
    with pip.files() as found:
        secrets = [f"--volume={path}:/run/secrets/{name}:ro" for name, path in found.items()]
        options = ("--network", "host", "--env", "PIP_CONFIG_FILE=/run/secrets/pip.conf", *secrets)
        return _made(images.directory() / f"wheels-{key}", script, "/wheels", *options)


@functools.cache
def environment() -> Path:
    """What is to be mounted at ``PLACE``: this checkout, installed without a network. Raises RuntimeError."""
    sources = (hashlib.sha256(path.read_bytes()).hexdigest() for path in images.files(_SOURCES))
    script = "\n".join(commands(0))
    key = _digest(wheels().name, script, *sources)
    env = [f"--env={word}" for word in ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels", "PIP_NO_CACHE_DIR=1")]
    options = ("--network", "none", "--volume", f"{wheels()}:/wheels:ro", *env)
    path = _made(images.directory() / f"environment-{key}", script, PLACE, *options)
    path.touch()
    _forget_old()
    return path


def _forget_old() -> None:
    """Removes what was installed from former sources, and was not used for the longest time."""
    found = [path for path in images.directory().glob("environment-*") if path.is_dir()]
    for path in sorted(found, key=lambda one: one.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def missing() -> list[str]:
    """What this machine lacks for it, besides root."""
    absent = images.missing()
    if not absent and not images.has_base(PACKAGES):
        absent.append("a Debian with systemd (tools/bootstrap.sh systemd builds it)")
    return absent


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{environment()}\n")
    except RuntimeError as error:
        sys.exit(str(error))
