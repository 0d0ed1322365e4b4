"""``mooring plan``."""

from __future__ import annotations

import sys

import click

from mooring.cli.codes import NOT_READY, OK
from mooring.cli.once import errors, result, settled, show_undecided
from mooring.cli.options import CLUSTER, CONFINING, LOGGING, takes
from mooring.cli.settings import Purpose
from mooring.cli.startup import cluster_of, started
from mooring.cluster.dry import DryCluster
from mooring.model.events import Event, NotPublished, TrafficWarningFound
from mooring.model.objects import Write
from mooring.model.publish_events import KeptByManifest
from mooring.observe import streams
from mooring.plan.diff import diff_of


@click.command()
@takes(("config", *CLUSTER, *CONFINING, *LOGGING))
def command(**given: object) -> int:
    settings, config = started(given, Purpose.PLAN)
    changes: list[Write] = []
    cluster = DryCluster(cluster_of(settings, config)[0], changes.append)
    store, reconciler = settled(settings, config, cluster, _complain)
    reconciler.rounds()
    for change in changes:
        streams.write(sys.stdout, diff_of(change))
    undecided = show_undecided(store, sys.stdout)
    if not changes and not undecided and not errors(result(config, store, reconciler)):
        sys.stdout.write("nothing to change\n")
        return OK
    return NOT_READY


def _complain(event: Event) -> None:
    """Of a plan's events only what hinders it is reported; the rest is in the diff."""
    if isinstance(event, KeptByManifest):
        why = f"{event.keeper} keeps its Endpoints too; take them out of its manifests, or each sync undoes Mooring's"
        streams.complain(f"{event.service}: {why}")
    if isinstance(event, NotPublished | TrafficWarningFound):
        streams.complain(f"{event.service}: {event.why}")
