"""What each command does; returns its exit code."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import nullcontext, suppress
from dataclasses import replace
from http.client import HTTPException
from typing import Any

from mooring.board import Board
from mooring.clocks import Clocks
from mooring.cluster.dry import DryCluster
from mooring.cluster.protocol import Cluster
from mooring.config import load
from mooring.config.document import schema as file_schema
from mooring.daemon import Daemon, probe
from mooring.decide.shown import shown
from mooring.errors import ConfigError
from mooring.events import Event, HazardFound, NotPublished
from mooring.fleet import Fleet
from mooring.observe import log, table
from mooring.observe.notify import Notifier
from mooring.observe.status import Document, Process, all_ready, document
from mooring.once import ask_all, settle
from mooring.picture import Step
from mooring.protocols.registry import PROTOCOLS
from mooring.reconcile import Reconciler
from mooring.reload import Reloader
from mooring.settings import Settings, load_settings
from mooring.spec import Config, Port, ServiceSpec
from mooring.startup import Listener, cluster_of, reloading, started

OK, NOT_READY, NO_CLUSTER, DEFECT = 0, 1, 3, 70
WATCH_SECONDS = 2.0
WATCHDOG_SECONDS = 20.0
"""A part that has not turned for so long is hung: the writer waits for no more than three bounded calls on end."""
CLUSTER_SECONDS = 10.0
FETCH_SECONDS = 5.0
CHECKED = ("name", "address", "verdict", "reason", "message", "latencySeconds", "role", "lagSeconds", "maintenance")


def run(options: argparse.Namespace) -> int:
    ended = threading.Event()
    if not options.once:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # there is nothing to reload yet
    settings, config = started(options)
    cluster, listeners, lease = cluster_of(settings, config)
    if options.dry_run:
        cluster, listeners, lease = DryCluster(cluster, _show), (), None
    if options.once:
        return _once(settings, config, cluster)
    listen = (settings.listen.host, settings.listen.port) if settings.listen else None
    notifier = Notifier(os.environ)
    hear = (log.write, notifier.write, *listeners)
    daemon = Daemon(
        config,
        cluster,
        allowed=settings.allowed_cidrs,
        listen=listen,
        listeners=hear,
        ended=ended,
        lease=lease,
        dry=options.dry_run,
    )
    watched = settings.log_format == "auto" and sys.stdout.isatty() and not options.dry_run
    reloader = reloading(settings, config, daemon, notifier.reloading)
    return _until_told(daemon, reloader, notifier, watched=watched)


def _until_told(daemon: Daemon, reloader: Reloader, notifier: Notifier, *, watched: bool) -> int:
    """Runs the daemon until it is told to end, or a defect of it ends it."""
    daemon.start()
    reloader.start()
    signal.signal(signal.SIGHUP, lambda *_: reloader.ask())
    notifier.ready()
    notifier.watch(lambda: daemon.alive(within=WATCHDOG_SECONDS))
    with table.live(lambda: _watched(daemon.status())) if watched else nullcontext():
        daemon.ended.wait()
    notifier.stopping()
    reloader.stop()
    daemon.stop()
    return DEFECT if daemon.defect else OK


def _once(settings: Settings, config: Config, cluster: Cluster) -> int:
    """Probes until all is definite, then one round of writes."""
    board, reconciler = _settled(settings, config, cluster, log.write)
    reconciler.rounds()
    found = _found(config, board, reconciler)
    return OK if all_ready(found["services"]) and not _errors(found) else NOT_READY


def plan(options: argparse.Namespace) -> int:
    settings, config = started(options)
    changes: list[Step] = []
    cluster = DryCluster(cluster_of(settings, config)[0], changes.append)
    board, reconciler = _settled(settings, config, cluster, _complain)
    reconciler.rounds()
    for change in changes:
        _show(change)
    if not changes and not _errors(_found(config, board, reconciler)):
        sys.stdout.write("nothing to change\n")
        return OK
    return NOT_READY


def check(options: argparse.Namespace) -> int:
    settings, config = started(options, lambda spec: options.service in {None, str(spec.key)})
    if not config.services:
        raise ConfigError(f"--service {options.service}: the file has no such Service; it is written NAMESPACE/NAME")
    config = Config(tuple(_with_port(spec) for spec in config.services), config.hash)
    board = Board()
    fleet = Fleet(config.services, board, settings.allowed_cidrs, log.write, lambda: None)
    fleet.learn()
    for spec in config.services:
        board.seed(spec.key, None)
    taken = board.take(ask_all(board.targets(), probe, Clocks()))
    board.take(ask_all(taken.hasten, probe, Clocks()))
    services = document(config, board, {}, Process("", time.time()))["services"]
    if options.output == "json":
        _print_json({"services": [_checked(service) for service in services]})
    else:
        table.show(table.hosts(services, table.CHECKED, time.time()))
    return OK if all_ready(services) else NOT_READY


def _with_port(spec: ServiceSpec) -> ServiceSpec:
    """Where the file leaves the port to the Service, the protocol's own stands in: no cluster is asked."""
    port = PROTOCOLS[spec.check.protocol].options.default_port
    if spec.ports or all(host.probe_port for host in spec.hosts):
        return spec
    if port is None:
        raise ConfigError(f"{spec.key}: has no ports in the file, and check asks no cluster for them; add ports")
    return replace(spec, ports=(Port("", port),))


def _checked(service: Document) -> Document:
    rows = [{field: host[field] for field in CHECKED} for host in service["hosts"]]
    return {"namespace": service["namespace"], "name": service["name"], "hosts": rows}


def validate(options: argparse.Namespace) -> int:
    settings = load_settings(vars(options))
    config = load(options.file, settings.address_policy(), ports_required=settings.cluster == "local")
    counts = {"Service": len(config.services), "host": sum(len(spec.hosts) for spec in config.services)}
    held = ", ".join(f"{count} {thing}{'s' * (count > 1)}" for thing, count in counts.items())
    sys.stdout.write(f"{options.file}: valid, {held}\n")
    return OK


def schema(_options: argparse.Namespace) -> int:
    _print_json(file_schema())
    return OK


def status(options: argparse.Namespace) -> int:
    if not options.watch:
        return _show_status(options)
    with suppress(KeyboardInterrupt):  # which is how a watch ends
        while _show_status(options) == OK:
            sys.stdout.flush()
            time.sleep(WATCH_SECONDS)
        return NO_CLUSTER
    return OK


def _show_status(options: argparse.Namespace) -> int:
    try:
        found = _fetch(options.url.rstrip("/") + "/status")
        shown = _watched(found)
    except (OSError, ValueError, HTTPException) as error:
        return _no_status(options.url, str(error))
    except (KeyError, TypeError):
        return _no_status(options.url, "what answers there is no Mooring")
    if options.output == "json":
        _print_json(found)
    else:
        table.show(shown, clear=options.watch)
    return OK


def _no_status(url: str, why: str) -> int:
    sys.stderr.write(f"{url}: no status: {why}\n")
    return NO_CLUSTER


def _fetch(url: str) -> Any:
    if not url.startswith(("http://", "https://")):
        raise ValueError("the URL must begin with http:// or https://")
    with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:  # noqa: S310 -- the scheme is checked above
        return json.load(answer)


def _watched(found: Document) -> Any:
    return table.hosts(found["services"], table.WATCHED, time.time())


def _settled(settings: Settings, config: Config, cluster: Cluster, emit: Listener) -> tuple[Board, Reconciler]:
    """Looks at the cluster, then probes until all is definite. Raises ClusterError: there is nothing to look at."""
    board, clocks = Board(), Clocks()
    fleet = Fleet(config.services, board, settings.allowed_cidrs, emit, lambda: None)
    reconciler = Reconciler(cluster, board, config.services, emit, clocks=clocks, on_ports=fleet.learn_ports)
    fleet.learn()
    cluster.start(lambda _keys: None)
    if not cluster.wait(CLUSTER_SECONDS):
        for spec in config.services:
            cluster.read(spec.key)
    reconciler.look()
    settle(board, probe, clocks, emit)
    return board, reconciler


def _found(config: Config, board: Board, reconciler: Reconciler) -> Document:
    return document(config, board, reconciler.standings(), Process("", time.time()))


def _errors(found: Document) -> list[str]:
    return [service["error"] for service in found["services"] if service["error"]]


def _complain(event: Event) -> None:
    """Of a plan's events only what hinders it is told; the rest is in the diff."""
    if isinstance(event, NotPublished | HazardFound):
        sys.stderr.write(f"{event.service}: {event.why}\n")


def _show(change: Step) -> None:
    sys.stdout.write(shown(change))
    sys.stdout.flush()


def _print_json(found: object) -> None:
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
