"""``mooring doctor``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection

import click

from mooring.cli.caution import show_warnings
from mooring.cli.doctor.finding import Looked
from mooring.cli.doctor.groups import GROUPS, look_at
from mooring.cli.doctor.report import as_json, as_text, exit_code
from mooring.cli.doctor.subject import Subject
from mooring.cli.durations import duration
from mooring.cli.environment import misspelt
from mooring.cli.options import ALL, CONFINING, takes
from mooring.cli.output import print_json
from mooring.cli.settings import Settings, load_settings
from mooring.observe import streams

AGAIN_SECONDS = 2.0
SETTINGS = (
    "config",
    "cluster",
    "kubeconfig",
    "context",
    "leader_elect",
    "lease_name",
    "lease_namespace",
    *CONFINING,
)


def _groups(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The groups that are asked for. Raises BadParameter: one does not exist."""
    names = tuple(name.strip() for name in (",".join(GROUPS) if value is None else value).split(","))
    if unknown := [name for name in names if name not in GROUPS]:
        raise click.BadParameter(f"{unknown[0]!r} is no group; there are {', '.join(GROUPS)}")
    return names


@click.command()
@click.option("--only", callback=_groups, metavar="GROUP,...", help=f"only these of {', '.join(GROUPS)}")
@click.option("--wait", callback=duration, metavar="TIME", help="look again until all is sound, at most so long, as 2m")
@click.option(
    "-o", "--output", type=click.Choice(("text", "json")), default="text", show_default=True, help="how to print it"
)
@takes(SETTINGS)
def command(*, only: tuple[str, ...], wait: float | None, output: str, **given: object) -> int:
    show_warnings(misspelt(os.environ, (*ALL, "url")))
    looked = look_until_sound(load_settings(given), only, wait or 0.0)
    if output == "json":
        print_json(as_json(looked))
    else:
        streams.write(sys.stdout, as_text(looked))
    return exit_code(looked)


def look_until_sound(settings: Settings, groups: Collection[str], seconds: float) -> list[Looked]:
    """Looks at these groups, and again until nothing is wrong or so many seconds have passed."""
    until = time.monotonic() + seconds
    while exit_code(looked := look_at(Subject(settings), groups)) and time.monotonic() + AGAIN_SECONDS < until:
        time.sleep(AGAIN_SECONDS)
    return looked
