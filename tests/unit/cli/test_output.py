"""How a command prints its answer."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from mooring.cli.output import json_or_table, print_json


def test_json_ends_with_a_line_end(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a shell's prompt begins on a line of its own, and a script reads it whole."""
    print_json({"hosts": [{"name": "db1"}]})
    shown = capsys.readouterr().out
    assert shown.endswith("}\n")
    assert json.loads(shown) == {"hosts": [{"name": "db1"}]}


@pytest.mark.parametrize(("arguments", "form"), [([], "table"), (["-o", "json"], "json"), (["--output=json"], "json")])
def test_a_table_is_the_default(arguments: list[str], form: str) -> None:
    """People come first; a script asks for JSON."""

    @click.command()
    @json_or_table
    def command(output: str) -> None:
        click.echo(output)

    assert CliRunner().invoke(command, arguments).output == f"{form}\n"
