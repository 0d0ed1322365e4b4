# ruff: noqa: INP001, S603 -- a program, no package; fixed commands
"""Every figure of docs/performance.md, one after the other: ``PYTHONPATH=tools python -m bench``, as root."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.usage import python

from lab.process import command
from mooring.protocols.options import Replicated
from mooring.protocols.registry import PROTOCOLS

HELD = [name for name, protocol in PROTOCOLS.items() if protocol.client.exchange is not None]
"""The protocols whose sessions Mooring holds."""
REPLICATED = [name for name, protocol in PROTOCOLS.items() if issubclass(protocol.options, Replicated)]
"""The protocols whose hosts have roles."""
FIGURES = (
    *(f"bench.cpu {protocol} 500 0.5" for protocol in HELD),
    *(f"bench.cpu {protocol} 50 2 5 20" for protocol in HELD),
    "bench.detection kill",
    "bench.detection stop",
    "bench.logins",
    "bench.slices_logins",
    "bench.slices",
    "bench.queue",
    *(f"bench.roles {protocol}" for protocol in REPLICATED),
    "bench.failover 8 1",
    "bench.idle 2",
    "bench.idle 50",
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
    return "; ".join([f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", cores, python(), *versions])


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
        sys.stdout.write(f"\n$ PYTHONPATH=tools .venv/bin/python -m {figure}\n")
        sys.stdout.flush()
        failed += subprocess.run([sys.executable, "-m", *figure.split()], check=False).returncode != 0
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
