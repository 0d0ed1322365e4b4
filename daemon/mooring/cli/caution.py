"""The warnings of commands that publish nothing; `run` and `plan` refuse some of these on a real cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mooring.model.errors import ConfigError
from mooring.observe import streams


def warn_of_loopback(strictly_parsed: Callable[[], object]) -> None:
    """Prints as warnings what is wrong with a valid file when it is parsed as `run` does: loopback addresses."""
    try:
        strictly_parsed()
    except ConfigError as error:
        show_warnings(error.problems)


def show_warnings(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        streams.complain(f"warning: {sentence}")
