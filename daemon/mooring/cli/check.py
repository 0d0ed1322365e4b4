"""``mooring check``."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import click

from mooring.cli.codes import NOT_READY, OK
from mooring.cli.once import ask_until_steady
from mooring.cli.options import CONFINING, LOGGING, takes
from mooring.cli.output import json_or_table, print_json
from mooring.cli.settings import Purpose
from mooring.cli.startup import Services, started
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.errors import ConfigError
from mooring.model.spec import Config, Port, ServiceSpec
from mooring.observe import log, table, terminal
from mooring.observe.status import Process, document
from mooring.observe.summary import Document, all_ready
from mooring.probe.inventory import Inventory
from mooring.protocols.registry import PROTOCOLS, probe

MOST_NAMED = 8
CHECKED = ("name", "address", "verdict", "reason", "message", "latencySeconds", "role", "lagSeconds", "maintenance")


@click.command()
@click.option("--service", metavar="[NAMESPACE/]NAME", help="only this Service")
@json_or_table
@takes(("config", *CONFINING, *LOGGING))
def command(*, service: str | None, output: str, **given: object) -> int:
    settings, config = started(given, Purpose.CHECK, partial(_named, service))
    config = Config(tuple(_with_port(spec) for spec in config.services), config.hash)
    store = HealthStore()
    inventory = Inventory(config.services, store, settings.allowed_cidrs, log.write, lambda _keys: None)
    inventory.resolve_all()
    for spec in config.services:
        store.seed(spec.key, None)
    ask_until_steady(store, probe, Clocks())
    services = document(config, store, {}, Process("", time.time()))["services"]
    if output == "json":
        print_json({"services": [_checked(one) for one in services]})
    else:
        terminal.show(table.checked(services, time.time()))
    return OK if all_ready(services) else NOT_READY


def _named(service: str | None, specs: Services) -> Services:
    """The Service of this name, with its namespace or without it. Raises ConfigError: none has it, or several have."""
    found = tuple(spec for spec in specs if service in {None, str(spec.key), spec.key.name})
    if service is None or len(found) == 1:
        return found
    which = ", ".join(str(spec.key) for spec in (found or specs)[:MOST_NAMED])
    why = f"several Services are called so: {which}" if found else f"the file has no such Service; it has {which}"
    raise ConfigError(f"--service {service}: {why}")


def _with_port(spec: ServiceSpec) -> ServiceSpec:
    """The Service with the protocol's default port where the file has none: `check` asks no cluster."""
    port = PROTOCOLS[spec.check.protocol].options.default_port
    if spec.ports or all(host.probe_port for host in spec.hosts):
        return spec
    if port is None:
        raise ConfigError(f"{spec.key}: has no ports in the file, and check asks no cluster for them; add ports")
    return replace(spec, ports=(Port("", port),))


def _checked(service: Document) -> Document:
    rows = [{field: host[field] for field in CHECKED} for host in service["hosts"]]
    return {"namespace": service["namespace"], "name": service["name"], "hosts": rows}
