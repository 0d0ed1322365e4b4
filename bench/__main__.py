# ruff: noqa: INP001, S603 -- a program, no package; fixed commands
"""Every figure of docs/performance.md, one after the other: ``PYTHONPATH=tests python -m bench``, as root."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from ground.process import command

FIGURES = (
    "bench.cpu mysql 500 0.5",
    "bench.cpu redis 500 0.5",
    "bench.cpu mysql 50 2 3 20",
    "bench.cpu redis 50 2 3 20",
    "bench.detection kill",
    "bench.detection stop",
    "bench.logins",
    "bench.slices_logins",
    "bench.slices",
    "bench.roles redis",
    "bench.roles mysql",
    "bench.failover 8 1",
    "bench.crowds held",
    "bench.crowds many",
    "bench.crowds late",
    "bench.crowds hung",
)
PROGRAMS = {"haproxy": "-v", "mariadbd": "--version", "redis-server": "--version"}


def machine() -> str:
    """What the figures were taken on."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    cores = f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}, Linux {platform.release()}"
    versions = [version(name, option) for name, option in PROGRAMS.items()]
    return "; ".join(
        [f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", cores, f"Python {platform.python_version()}", *versions]
    )


def version(name: str, option: str) -> str:
    program = command(name)
    if program is None:
        return f"no {name}"
    told = subprocess.run([program, option], capture_output=True, text=True, check=True).stdout
    number = re.search(r"\d+\.\d+\.\d+", told)
    return f"{name} {number[0] if number else '?'}"


def main() -> int:
    sys.stdout.write(f"{machine()}\n")
    failed = 0
    for figure in FIGURES:
        sys.stdout.write(f"\n$ PYTHONPATH=tests .venv/bin/python -m {figure}\n")
        sys.stdout.flush()
        failed += subprocess.run([sys.executable, "-m", *figure.split()], check=False).returncode != 0
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
