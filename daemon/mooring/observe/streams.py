"""Writes to standard output and standard error, past the buffers of Python.

A thread that hangs in such a buffer keeps its lock, and Python aborts at its end where it cannot take that lock.
"""

from __future__ import annotations

import os
import select
import sys
from typing import TextIO


def open_closed() -> None:
    """Opens /dev/null in the place of a standard descriptor that is closed.

    Otherwise the next socket gets its number, and what a library writes to "standard error" goes to a database.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def write(stream: TextIO, text: str) -> None:
    """Writes the whole text. Raises OSError, ValueError: the stream does not take it, or only a part of it."""
    if stream not in (sys.__stdout__, sys.__stderr__):  # a live table, or a test, has put itself in between
        stream.write(text)
        stream.flush()
        return
    stream.flush()
    rest = memoryview(text.encode(errors="backslashreplace"))
    while rest:
        rest = rest[_write_some(stream.fileno(), rest) :]


def _write_some(descriptor: int, data: memoryview) -> int:
    """How many bytes were written. Whoever shares the descriptor may have made it non-blocking."""
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            select.select((), (descriptor,), ())


def complain(text: str) -> None:
    """Writes a line to standard error; a line that cannot be written is lost."""
    try:
        write(sys.stderr, text + "\n")
    except (OSError, ValueError):
        return
