"""The command `mooring`: finds the subcommand, and imports no other."""

from __future__ import annotations

import errno
import importlib
import io
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mooring import __version__
from mooring.cli import again
from mooring.cli.codes import NO_CLUSTER, NO_THREAD, NOT_WRITTEN, OK, USAGE
from mooring.model.errors import ClusterError, ConfigError, NoCredentials
from mooring.observe import streams

COMMANDS = {
    "run": ("mooring.cli.run", "run the daemon: probe the hosts and update the Endpoints"),
    "check": ("mooring.cli.check", "probe every host once, now, and touch no cluster"),
    "plan": ("mooring.cli.plan", "probe, then print as a diff what a write would change"),
    "doctor": ("mooring.cli.doctor.command", "look at the whole set-up: all that is wrong, and what mends it"),
    "validate": ("mooring.cli.validate", "check a configuration file"),
    "init": ("mooring.cli.init", "write an example of a configuration file to start from"),
    "import": ("mooring.cli.import_services", "write a configuration file of Services that a cluster has"),
    "schema": ("mooring.cli.schema", "print the JSON Schema of the configuration file"),
    "status": ("mooring.cli.status", "ask a running daemon how its hosts are"),
    "explain": ("mooring.cli.explain", "say why the hosts of a Service are in or out, and what they went through"),
    "replay": ("mooring.cli.replay.command", "judge a record of the daemon again, by another configuration"),
    "pause": ("mooring.cli.pause", "leave the objects of a Service as they are, for a time"),
    "resume": ("mooring.cli.resume", "end a pause"),
    "drain": ("mooring.cli.drain", "take hosts out of a Service, for a time"),
    "undrain": ("mooring.cli.undrain", "let them back in"),
    "completion": ("mooring.cli.completion", "print a script that completes commands and options in a shell"),
}
"""Name → its module, which has ``command``, and what it does."""
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
HELP = {"help_option_names": ["-h", "--help"]}


class _Later(click.Command):
    """A command whose module is imported when it runs: some take most of a second."""

    def __init__(self, name: str, module: str, sentence: str) -> None:
        super().__init__(name, short_help=sentence)
        self._module = module

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        sentence = str(self.short_help)
        command: click.Command = importlib.import_module(self._module).command
        command.help = f"{sentence[0].upper()}{sentence[1:]}."
        command.context_settings = HELP
        return command.make_context(*args, **options)


class _Commands(click.Group):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In their own order."""
        return list(self.commands)


@click.group(
    cls=_Commands,
    commands={name: _Later(name, *entry) for name, entry in COMMANDS.items()},
    context_settings=HELP,
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="mooring", message="%(prog)s %(version)s")
@click.pass_context
def mooring(context: click.Context) -> int:
    """Health-checks databases outside the cluster, and keeps the Endpoints of their Services up to date."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
    return OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    streams.open_closed()
    name = "kubectl mooring" if Path(sys.argv[0]).name == "kubectl-mooring" else "mooring"
    try:
        code = int(mooring.main(arguments, prog_name=name, standalone_mode=False))
        sys.stdout.flush()
    except click.UsageError as error:
        code = _failed(USAGE, _shown(error))
    except ConfigError as error:
        code = _failed(USAGE, *error.problems)
    except (NoCredentials, ClusterError) as error:
        code = _failed(NO_CLUSTER, str(error))
    except (KeyboardInterrupt, click.Abort):
        code = 128 + signal.SIGINT
    except OSError as error:
        code = _output_failed(error)
    except RuntimeError as error:
        code = _start_failed(error)
    return code


def _failed(code: int, *sentences: str) -> int:
    streams.complain("\n".join(sentences))
    return code


def _output_failed(error: OSError) -> int:
    """The exit code where standard output cannot be written. Raises the error again where it is another one."""
    if error.errno not in NO_SPACE | {errno.EPIPE}:
        raise error
    sys.stdout = None  # what Python still holds back must not fail when the process ends
    if error.errno == errno.EPIPE:
        return 128 + signal.SIGPIPE
    return _failed(NOT_WRITTEN, f"standard output takes no more: {error.strerror}")


def _start_failed(error: RuntimeError) -> int:
    """The exit code where the process may have no thread more. Raises the error again where it is another one."""
    if not again.lacks_thread(error):
        raise error
    return _failed(NO_THREAD, again.WHY)


def _shown(error: click.UsageError) -> str:
    text = io.StringIO()
    error.show(text)
    return text.getvalue().rstrip()
