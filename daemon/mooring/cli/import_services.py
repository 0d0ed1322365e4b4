"""``mooring import``."""

from __future__ import annotations

import click

from mooring.cli.annotations import service_key
from mooring.cli.api import WHERE, reach
from mooring.cli.codes import NO_CLUSTER, OK
from mooring.cli.file_text import file_text, plain
from mooring.cli.imported import Imported, imported
from mooring.cli.options import takes
from mooring.cli.settings import load_settings
from mooring.cluster.client import Api
from mooring.cluster.snapshot import snapshot
from mooring.config import AddressPolicy, parse
from mooring.model.errors import ConfigError
from mooring.model.objects import Refusal
from mooring.model.spec import ServiceKey
from mooring.observe import streams


@click.command()
@click.argument("services", metavar="[NAMESPACE/]SERVICE...", nargs=-1, required=True)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="of Services without one (default: that of the context)")
@takes(WHERE)
def command(*, services: tuple[str, ...], namespace: str | None, **given: object) -> int:
    reached = reach(load_settings(given))
    keys = dict.fromkeys(service_key(name, namespace or reached.namespace) for name in services)
    found = [(key, _import(reached.api, key)) for key in keys]
    if refused := [f"{key}: {one.why}" for key, one in found if not isinstance(one, Imported)]:
        streams.complain("\n".join((*refused, "nothing is written; leave these out, or mend them")))
        return NO_CLUSTER
    made = [one for _, one in found if isinstance(one, Imported)]
    text = file_text(made)
    for one in made:
        streams.complain("\n".join(f"{one.key}: not known: {plain(sentence)}" for sentence in one.unknown))
    _complain_of(text)
    click.echo(text, nl=False)
    return OK


def _import(api: Api, key: ServiceKey) -> Imported | Refusal:
    found = snapshot(api, key)
    return imported(key, found.service, found.stored)


def _complain_of(text: str) -> None:
    """Says where the file is not valid as it is: Kubernetes allows more than the file does."""
    try:
        parse(text.encode(), "<stdout>", AddressPolicy())
    except ConfigError as error:
        streams.complain("\n".join(("the file is not valid yet:", *error.problems)))
