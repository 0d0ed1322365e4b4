"""The exit codes of the commands."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from mooring.cli import codes

PAGE = Path(__file__).parents[3] / "docs/commands.md"


def test_scripts_may_rely_on_these_numbers() -> None:
    """As docs/commands.md lists them; 70, 71 and 74 are those of sysexits.h (EX_SOFTWARE, EX_OSERR, EX_IOERR)."""
    assert (codes.OK, codes.NOT_READY, codes.USAGE, codes.NO_CLUSTER) == (0, 1, 2, 3)
    assert (codes.DEFECT, codes.NO_THREAD, codes.NOT_WRITTEN) == (70, 71, 74)


def test_every_code_is_documented() -> None:
    """Those of this module in the tables of docs/commands.md, and those of a signal."""
    wanted = {value for name, value in vars(codes).items() if name.isupper()}
    rows = [line for line in PAGE.read_text().splitlines() if " | " in line]
    cells = {cell for line in rows for cell in (line.split(" | ")[0], line.split(" | ")[-1])}
    found = {int(code) for cell in cells for code in re.findall(r"\b\d+\b", cell)}
    assert wanted | {128 + signal.SIGINT, 128 + signal.SIGPIPE} <= found
