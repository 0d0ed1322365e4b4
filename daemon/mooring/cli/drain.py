"""``mooring drain``."""

from __future__ import annotations

import getpass
import time

import click

from mooring.cli.annotations import connect, drain
from mooring.cli.durations import duration
from mooring.cli.options import takes
from mooring.model.overrides import Drained


@click.command()
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
@click.option("-s", "--service", required=True, metavar="[NAMESPACE/]SERVICE", help="the Service to take them out of")
@click.option("--for", "seconds", callback=duration, metavar="TIME", help="as 30m or 2h (default: until undrain)")
@click.option("--reason", default="", help="why, for whoever looks at the status")
@click.option("--force", is_flag=True, help="also where no ready host may be left")
@takes(("cluster", "kubeconfig", "context"))
def command(
    *, hosts: tuple[str, ...], service: str, seconds: float | None, reason: str, force: bool, **given: object
) -> int:
    """Take hosts out of a Service, by names or addresses as the file has them. Mooring goes on probing them."""
    api, key = connect(service, given)
    until = None if seconds is None else time.time() + seconds
    return drain(api, key, [Drained(host, until, getpass.getuser(), reason) for host in hosts], force=force)
