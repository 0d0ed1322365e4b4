"""``mooring resume``."""

from __future__ import annotations

import click

from mooring.cli.annotations import connect, resume
from mooring.cli.options import takes


@click.command()
@click.argument("service", metavar="[NAMESPACE/]SERVICE")
@takes(("cluster", "kubeconfig", "context"))
def command(*, service: str, **given: object) -> int:
    api, key = connect(service, given)
    return resume(api, key)
