"""``mooring undrain``."""

from __future__ import annotations

import click

from mooring.cli.annotations import connect, undrain
from mooring.cli.options import takes


@click.command()
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
@click.option("-s", "--service", required=True, metavar="[NAMESPACE/]SERVICE", help="the Service to let them back into")
@takes(("cluster", "kubeconfig", "context"))
def command(*, hosts: tuple[str, ...], service: str, **given: object) -> int:
    """Let hosts back into a Service. A sound one is ready again at once."""
    api, key = connect(service, given)
    return undrain(api, key, hosts)
