"""How a command prints its answer."""

from __future__ import annotations

import json
import sys

import click

json_or_table = click.option(
    "-o", "--output", type=click.Choice(("table", "json")), default="table", show_default=True, help="how to print it"
)


def print_json(found: object) -> None:
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
