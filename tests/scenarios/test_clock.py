"""A wall clock that jumps, by libfaketime, under the real scheduler."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.waiting import wait_until

PATHS = [str(Path(__file__).resolve().parents[up]) + tail for up, tail in ((1, ""), (2, "/tools"))]
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
LONGEST_GAP = 20.0
"""A period is 0.4 s and the clocks are compared every 0.25 s; the rest is for a slow machine."""


@dataclass
class Run:
    """The child's lines so far: word, value, monotonic seconds."""

    lines: list[tuple[str, float, float]] = field(default_factory=list)

    def asks(self, port: int) -> list[float]:
        return [at for word, value, at in self.lines if word == "ask" and value == port]

    def jumps(self) -> list[float]:
        return [value for word, value, _ in self.lines if word == "jump"]


@pytest.fixture
def offset(tmp_path: Path) -> Path:
    file = tmp_path / "offset"
    file.write_text("+0")
    return file


@pytest.fixture
def run(offset: Path) -> Iterator[Run]:
    environment = {
        **os.environ,
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": ":".join(PATHS),
    }
    command = [sys.executable, "-m", "support.under_faketime"]
    with subprocess.Popen(command, env=environment, stdin=-1, stdout=-1, text=True) as child:
        run = Run()
        reader = threading.Thread(target=_read, args=(child, run))
        reader.start()
        yield run
        child.communicate()
        reader.join(60)


def _read(child: subprocess.Popen[str], run: Run) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        word, value, at = line.split()
        run.lines.append((word, float(value), float(at)))


def _rounds(run: Run, more: int) -> None:
    wanted = {port: len(run.asks(port)) + more for port in (1, 2, 3)}
    wait_until(lambda: all(len(run.asks(port)) >= wanted[port] for port in wanted), 30, f"{more} more rounds")


@pytest.mark.fault(
    "mooring", "The wall clock jumps", "Probes go on in their period, and the jump is logged.", within="nothing moves"
)
@pytest.mark.needs_faketime
@pytest.mark.parametrize("jump", ["-1h", "+1h", "-10d"], ids=["an-hour-back", "an-hour-ahead", "ten-days-back"])
def test_a_jump_of_the_wall_clock_starves_no_probe(run: Run, offset: Path, jump: str) -> None:
    """Set the clock back or ahead as far as you like: probes go on in their period, and the jump is told."""
    _rounds(run, 3)
    offset.write_text(jump)
    _rounds(run, 5)
    wait_until(lambda: len(run.jumps()) == 1, 30, "the jump to be told")
    offset.write_text("+0")
    _rounds(run, 5)
    wait_until(lambda: len(run.jumps()) == 2, 30, "the jump back to be told")
    for port in (1, 2, 3):
        asks = run.asks(port)
        assert max(after - before for before, after in itertools.pairwise(asks)) < LONGEST_GAP
    there, back = run.jumps()
    assert (there < 0) == jump.startswith("-")
    assert abs(there + back) < 5
