"""``mooring explain``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import click

from mooring.cli.asking import NO_ANSWER, NoServiceError, daemon_of, no_answer, no_such, services, takes_daemon
from mooring.cli.codes import OK, USAGE
from mooring.cli.durations import duration
from mooring.cli.output import print_json
from mooring.observe import streams
from mooring.observe.banners import banners
from mooring.observe.story import story
from mooring.observe.summary import Document


@click.command()
@click.argument("what", metavar="[NAMESPACE/]SERVICE[/HOST]")
@click.option(
    "--since", callback=duration, default="1h", show_default=True, metavar="TIME", help="how far to look back"
)
@takes_daemon
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(*, what: str, since: float, url: str | None, in_cluster: str | None, output: str) -> int:
    daemon = daemon_of(url, in_cluster)
    try:
        path = _find(daemon.get("/status"), what)
        found = _since(daemon.get("/".join(("/status", *(quote(part, safe="") for part in path)))), since)
        shown = None if output == "json" else _lines(found)
    except NoServiceError as error:
        streams.complain(str(error))
        return USAGE
    except (*NO_ANSWER, KeyError, TypeError) as error:
        return no_answer(daemon.where, "explain", error)
    if shown is None:
        print_json(found)
    else:
        click.echo("\n".join(shown))
    return OK


def _find(document: Document, what: str) -> tuple[str, ...]:
    """Namespace, Service and maybe host. ``a/b`` is a Service in a namespace, if there is one, else a host of ``a``.

    Raises NoServiceError.
    """
    for name, service in services(document).items():
        for known in (name, service["name"]):
            if what == known:
                return service["namespace"], service["name"]
    for name, service in services(document).items():
        for known in (name, service["name"]):
            host = what.removeprefix(f"{known}/")
            if host != what and any(host in {one["name"], one["address"]} for one in service["hosts"]):
                return service["namespace"], service["name"], host
    raise no_such("Service or host", what, _names(document))


def _names(document: Document) -> list[str]:
    found = services(document).items()
    return [
        *(name for name, _ in found),
        *(f"{one['name']}/{host['name']}" for _, one in found for host in one["hosts"]),
    ]


def _since(document: Document, seconds: float) -> Document:
    """The document without what is older; the present run of outcomes stays."""
    oldest = datetime.fromisoformat(document["at"]).timestamp() - seconds
    return {**document, "services": [_cut(service, oldest) for service in document["services"]]}


def _cut(service: Document, oldest: float) -> Document:
    return {**service, "hosts": [_cut_host(host, oldest) for host in service["hosts"]]}


def _cut_host(host: Document, oldest: float) -> Document:
    if "outcomes" not in host:
        return host
    outcomes = [one for one in host["outcomes"] if _is_new(one["lastAt"], oldest)] or host["outcomes"][-1:]
    return {
        **host,
        "outcomes": outcomes,
        "transitions": [one for one in host["transitions"] if _is_new(one["at"], oldest)],
    }


def _is_new(moment: str | None, oldest: float) -> bool:
    return moment is not None and datetime.fromisoformat(moment).timestamp() >= oldest


def _lines(document: Document) -> Sequence[str]:
    now = datetime.fromisoformat(document["at"]).timestamp()
    return [*banners(document, now), *story(document, now)]
