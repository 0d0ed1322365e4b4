"""``mooring status``."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import Any

import click

from mooring.cli.asking import (
    NO_ANSWER,
    Daemon,
    NoServiceError,
    daemon_of,
    no_answer,
    no_such,
    reason,
    services,
    takes_daemon,
)
from mooring.cli.codes import NOT_READY, OK, USAGE
from mooring.cli.output import print_json
from mooring.model.errors import ClusterError
from mooring.observe import streams, table, terminal
from mooring.observe.banners import age
from mooring.observe.summary import Document, all_well

WATCH_SECONDS = 2.0


@click.command()
@click.argument("service", metavar="[[NAMESPACE/]SERVICE]", required=False)
@takes_daemon
@click.option("-w", "--watch", is_flag=True, help="go on asking, every two seconds")
@click.option(
    "-o",
    "--output",
    type=click.Choice(("table", "wide", "json")),
    default="table",
    show_default=True,
    help="how to print it; wide: all columns, a line a host, as in a pipe",
)
def command(*, service: str | None, url: str | None, in_cluster: str | None, watch: bool, output: str) -> int:
    daemon = daemon_of(url, in_cluster)
    if not watch:
        return _show(daemon, service, output, clear=False)[0]
    code = OK
    with suppress(KeyboardInterrupt):  # which is how a watch ends
        code, found = _show(daemon, service, output, clear=True)
        if found is not None:
            _go_on(daemon, service, output, found)
    return code


def _go_on(daemon: Daemon, service: str | None, output: str, last: Document) -> None:
    """Asks again and again. While nobody answers, as during an upgrade, what was said last stays on the screen."""
    silent_since = None
    while True:
        sys.stdout.flush()
        time.sleep(WATCH_SECONDS)
        try:
            last, silent = _only(daemon.get("/status"), service), ""
            shown = table.watched(last)
            silent_since = None
        except (*NO_ANSWER, ClusterError, KeyError, TypeError) as error:
            silent_since = silent_since or time.monotonic()
            silent = f"No answer for {age(time.monotonic() - silent_since)} ({reason(error)}); what was said last:"
            shown = table.watched(last, silent)
        if output != "json":
            terminal.show(shown, clear=True, wide=output == "wide")
        elif silent:
            streams.complain(silent.partition(";")[0])
        else:
            print_json(last)


def _show(daemon: Daemon, service: str | None, output: str, *, clear: bool) -> tuple[int, Document | None]:
    """The exit code, and the document that was shown; None: there was none."""
    try:
        found = _only(daemon.get("/status"), service)
        code = OK if all_well(found) else NOT_READY
        shown = table.watched(found)
    except NoServiceError as error:
        streams.complain(str(error))
        return USAGE, None
    except (*NO_ANSWER, KeyError, TypeError) as error:
        return no_answer(daemon.where, "status", error), None
    if output == "json":
        print_json(found)
    else:
        terminal.show(shown, clear=clear, wide=output == "wide")
    return code, found


def _only(found: Any, service: str | None) -> Any:
    """The document with this Service alone; a name without a namespace may be of any.

    Raises NoServiceError: there is none.
    """
    if service is None:
        return found
    names = services(found)
    kept = [one for name, one in names.items() if service in {name, one["name"]}]
    if not kept:
        raise no_such("Service", service, list(names))
    return {**found, "services": kept}
