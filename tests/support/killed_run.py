"""A Python program that a test kills with -9, to see what it leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lab import leftovers


@contextlib.contextmanager
def killed_run(program: str) -> Iterator[list[str]]:
    """Yields the words of the program's first line while it runs; it is killed at the end."""
    tools = str(Path(leftovers.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": tools},
    ) as run:
        assert run.stdout is not None
        yield run.stdout.readline().split()
        run.send_signal(signal.SIGKILL)
