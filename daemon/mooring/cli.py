"""The commands."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mooring import __version__
from mooring.commands import NO_CLUSTER, check, plan, run, schema, status, validate
from mooring.errors import ClusterError, ConfigError, NoCredentials
from mooring.settings import add_options

Command = Callable[[argparse.Namespace], int]
USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ConfigError as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        return USAGE
    except (NoCredentials, ClusterError) as error:
        sys.stderr.write(f"{error}\n")
        return NO_CLUSTER
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader has left; what Python still holds back for it must not fail when the process ends.
        sys.stdout = None
        return 128 + signal.SIGPIPE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mooring", description="Keeps selector-less Kubernetes Services moored to databases outside the cluster."
    )
    parser.add_argument("--version", action="version", version=f"mooring {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    running = _add(commands, "run", run, "probe the hosts and keep the Endpoints in line, until told to end")
    running.add_argument("--once", action="store_true", help="probe until each verdict is definite, write once, end")
    running.add_argument("--dry-run", action="store_true", help="print each write as a diff instead")
    add_options(running)
    checking = _add(commands, "check", check, "probe every host once, now, and touch no cluster")
    checking.add_argument("--service", metavar="NAMESPACE/NAME", help="only this Service")
    _add_output(checking)
    add_options(checking)
    add_options(_add(commands, "plan", plan, "probe, then print as a diff what a write would change"))
    validating = _add(commands, "validate", validate, "check a configuration file")
    validating.add_argument("file", type=Path, metavar="FILE")
    add_options(validating)
    _add(commands, "schema", schema, "print the JSON Schema of the configuration file")
    asking = _add(commands, "status", status, "ask a running daemon how its hosts are")
    asking.add_argument("--url", default="http://127.0.0.1:8080", help="where it listens (default: %(default)s)")
    asking.add_argument("-w", "--watch", action="store_true", help="go on asking, every two seconds")
    _add_output(asking)
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command, sentence: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=sentence, description=sentence[0].upper() + sentence[1:] + ".")
    parser.set_defaults(command=command)
    return parser


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="default: %(default)s")
