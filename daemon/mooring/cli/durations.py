"""Durations as people type them."""

from __future__ import annotations

import re

import click

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
MOST_SECONDS = 366 * 86400


def parse_duration(text: str) -> float:
    """Seconds of ``1h``, ``90m``, ``2h30m``, ``45s``. Raises ValueError: it is none, or longer than a year."""
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise ValueError(f"{text!r} is no time: write 30m, 1h or 2h30m")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))
    if not 0 < seconds <= MOST_SECONDS:
        raise ValueError(f"{text!r} is not between a second and a year")
    return float(seconds)


def duration(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """The seconds of an option. Raises BadParameter."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
