"""``mooring schema``."""

from __future__ import annotations

import click

from mooring.cli.codes import OK
from mooring.cli.output import print_json
from mooring.config.document import schema


@click.command()
def command() -> int:
    print_json(schema())
    return OK
