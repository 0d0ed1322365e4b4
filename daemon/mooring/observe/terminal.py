"""Prints a screen: in colours on a terminal of this size, as plain lines in a pipe."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from mooring.observe import streams
from mooring.observe.grouped import Line
from mooring.observe.table import Screen

CLEAR = "\x1b[2J\x1b[H"
CODES: Mapping[str, str] = MappingProxyType(
    {"bold": "1", "bold yellow": "1;33", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
)
"""Colour → its code (ECMA-48, SGR)."""
PLAIN = frozenset({"", "dumb", "unknown"})
"""Values of TERM whose terminals know no such code."""


def show(screen: Screen, *, clear: bool = False, wide: bool = False) -> None:
    """Prints it; ``clear`` clears a terminal first. In a pipe, or ``wide``, each host is one line, and never cut.

    Raises OSError, ValueError: standard output takes no more.
    """
    tty = sys.stdout.isatty()
    able = tty and os.environ.get("TERM", "") not in PLAIN
    lines = _fitted(screen, coloured=able and not os.environ.get("NO_COLOR")) if tty and not wide else screen.piped()
    streams.write(sys.stdout, (CLEAR if clear and able else "") + "".join(f"{line}\n" for line in lines))


def _fitted(screen: Screen, *, coloured: bool) -> Iterator[str]:
    size = shutil.get_terminal_size()
    for line in screen.lines(size.columns, size.lines):
        yield painted(line) if coloured else line.text


def painted(line: Line) -> str:
    """The text with the codes of its colour."""
    if not line.colour:
        return line.text
    before, inside, after = line.text[: line.start], line.text[line.start : line.end], line.text[line.end :]
    return f"{before}\x1b[{CODES[line.colour]}m{inside}\x1b[0m{after}"
