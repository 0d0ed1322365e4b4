# ruff: noqa: INP001 -- a program, no package
"""``mooring run`` that writes down when each target was asked, without the spread that the schedule gives to turns.

    MOORING_BENCH_ASKED=FILE python -P bench/asked.py run ...

The file gets a line for each turn: address, port, and the monotonic second at which the probe began. A log of every
probe would cost more than the probes.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from pathlib import Path

from mooring import daemon
from mooring.cli import main as cli
from mooring.model.clocks import Clocks
from mooring.model.probes import Report
from mooring.model.targets import Target
from mooring.probe import schedule
from mooring.probe.engine import Engine

FILE = "MOORING_BENCH_ASKED"
_asked: list[tuple[Target, float]] = []


class Noting(Engine):
    def __init__(
        self, on_reports: Callable[[list[Report]], None], on_overrun: Callable[[Target], None], clocks: Clocks
    ) -> None:
        def noted(reports: list[Report]) -> None:
            _asked.extend((report.target, report.started) for report in reports if not (report.edge or report.witness))
            on_reports(reports)

        super().__init__(noted, on_overrun, clocks)


def write() -> None:
    lines = (f"{target.address} {target.port} {started:.6f}\n" for target, started in _asked)
    Path(os.environ[FILE]).write_text("".join(lines))


if __name__ == "__main__":
    schedule.JITTER = 0.0
    setattr(daemon, "Engine", Noting)  # noqa: B010 -- the composition root builds this one instead
    atexit.register(write)
    sys.exit(cli.main())
