# ruff: noqa: INP001 -- a program, no package
"""What a process uses, and how a figure is printed."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path


def cpu(pid: int) -> float:
    """CPU seconds that a process has used, to the nanosecond, those of threads that have ended included.

    Its clock's number is made as clock_getcpuclockid(3) does; ticks of /proc/PID/stat are too coarse for few checks.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident(pid: int) -> float:
    """MiB of memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def quantile(values: Sequence[float], part: float) -> float:
    """The value that this part of all lies at or below."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(part * len(ordered) + 0.5) - 1))]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Median, and the least and the most."""
    low, middle, high = (format(value, form) for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low} to {high})"


def python() -> str:
    """Which Python measures, and runs the daemon; a check may cost half as much again where it is not optimised.

    A Debian package is configured without a word of optimisations, whatever its build does.
    """
    words = sysconfig.get_config_var("CONFIG_ARGS") or ""
    found = [name for name, word in {"PGO": "--enable-optimizations", "LTO": "--with-lto"}.items() if word in words]
    build = f"configured with {' and '.join(found)}" if found else "configured without PGO and LTO"
    if not found and sys.base_prefix == "/usr":
        build = "a package of the system, whose configuration does not show PGO or LTO"
    return f"Python {platform.python_version()} ({build})"


def tell(figure: str, aim: str, value: str, *details: str) -> None:
    """One row of the table, what it follows from below it."""
    sys.stdout.write(f"{figure:<64}{aim:>22}   {value}\n")
    for detail in (*details, f"load average {os.getloadavg()[0]:.1f}"):
        sys.stdout.write(f"    {detail}\n")
    sys.stdout.flush()
