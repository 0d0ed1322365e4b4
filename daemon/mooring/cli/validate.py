"""``mooring validate``."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import click

from mooring.cli.caution import show_warnings, warn_of_loopback
from mooring.cli.codes import OK
from mooring.cli.environment import misspelt
from mooring.cli.options import ALL, CONFINING, takes
from mooring.cli.settings import Purpose, load_settings
from mooring.config import parse
from mooring.config.source import MOST_BYTES, read

STANDARD_INPUT = "-"


@click.command()
@click.argument("file", metavar="FILE|-")
@takes(("cluster", "leader_elect", *CONFINING))
def command(*, file: str, **given: object) -> int:
    show_warnings(misspelt(os.environ, (*ALL, "url")))
    settings = load_settings(given)
    data = sys.stdin.buffer.read(MOST_BYTES + 1) if file == STANDARD_INPUT else read(Path(file))
    name = "<stdin>" if file == STANDARD_INPUT else file
    files = settings.file_policy(Purpose.CHECK)
    parsed = partial(parse, data, name, ports_required=settings.cluster == "local", files=files)
    config = parsed(settings.address_policy(Purpose.CHECK))
    show_warnings(config.warnings)
    warn_of_loopback(lambda: parsed(settings.address_policy(Purpose.RUN)))
    counts = {"Service": len(config.services), "host": sum(len(spec.hosts) for spec in config.services)}
    held = ", ".join(f"{count} {thing}{'s' * (count > 1)}" for thing, count in counts.items())
    click.echo(f"{name}: valid, {held}")
    return OK
