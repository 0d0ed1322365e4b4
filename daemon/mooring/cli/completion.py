"""``mooring completion``."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from mooring.cli.codes import OK

VARIABLE = "_MOORING_COMPLETE"
"""The variable by which the script asks `mooring` for completions."""


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(*, shell: str) -> int:
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 -- click has these three
    group = click.get_current_context().find_root().command
    # Not click's own ``source`` for bash: it runs bash to ask for its version, and an image has no bash.
    click.echo(ShellComplete.source(kind(group, {}, "mooring", VARIABLE)))
    return OK
