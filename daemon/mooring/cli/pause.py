"""``mooring pause``."""

from __future__ import annotations

import time

import click

from mooring.cli.annotations import connect, pause
from mooring.cli.durations import duration
from mooring.cli.options import takes


@click.command()
@click.argument("service", metavar="[NAMESPACE/]SERVICE")
@click.option(
    "--for", "seconds", callback=duration, metavar="TIME", help="as 30m or 1h (default: until mooring resume)"
)
@click.option("--reason", default="", help="why, for whoever looks at the status")
@takes(("cluster", "kubeconfig", "context"))
def command(*, service: str, seconds: float | None, reason: str, **given: object) -> int:
    api, key = connect(service, given)
    return pause(api, key, until=None if seconds is None else time.time() + seconds, reason=reason)
