"""Rounds of probes that come to an end: for ``check``, ``plan`` and ``run --once``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from typing import TextIO

from mooring.cli.settings import Settings
from mooring.cluster.protocol import Cluster
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.events import Event, Probed
from mooring.model.probes import Observation, Report
from mooring.model.spec import Config
from mooring.model.targets import Target
from mooring.observe.status import Process, document
from mooring.observe.summary import Document
from mooring.probe.inventory import Inventory
from mooring.protocols.registry import probe as whole_probe
from mooring.protocols.transport.workers import Workers
from mooring.publish.reconcile import Reconciler

Probe = Callable[[Target], Observation]

WORKERS = 256
MOST_QUESTIONS = 4
"""How often at most ``check`` asks one host: two claims are a conflict once each was heard after the other."""
CLUSTER_SECONDS = 10.0


_workers = Workers("probe", WORKERS)


def ask_all(targets: Iterable[Target], probe: Probe, clocks: Clocks) -> list[Report]:
    """Probes all targets at once, each once. An interrupt does not wait for those that hang."""
    asked = [_ask(target, probe, clocks) for target in targets]
    return [future.result() for future in asked]


def _ask(target: Target, probe: Probe, clocks: Clocks) -> Future[Report]:
    future: Future[Report] = Future()

    def task() -> None:
        try:
            future.set_result(_report(probe, target, clocks))
        except Exception as error:  # noqa: BLE001 -- raised where the result is awaited
            future.set_exception(error)

    try:
        _workers.submit(task)
    except RuntimeError:  # the process may have no thread more
        task()
    return future


def _report(probe: Probe, target: Target, clocks: Clocks) -> Report:
    started = clocks.monotonic()
    observation = probe(target)
    return Report(target, observation, started, clocks.monotonic(), clocks.wall())


def ask_until_steady(store: HealthStore, probe: Probe, clocks: Clocks) -> None:
    """Probes all targets once, and again those whose verdict depends on what others said meanwhile.

    Reports are taken in the order of the file, so that the same answers give the same result each time.
    """
    asked = list(store.targets())
    for _ in range(MOST_QUESTIONS):
        batch = store.take(ask_all(asked, probe, clocks))
        asked = [target for target in store.targets() if target in batch.probe_soon]


def settle(store: HealthStore, probe: Probe, clocks: Clocks, emit: Callable[[Event], None]) -> None:
    """Probes once a period until each verdict is definite, or ``failureThreshold`` probes of a host decided nothing.

    It ends after a bounded number of rounds; ``HealthStore.undecided`` has the hosts that are left.
    """
    for _ in range(_most_rounds(store)):
        targets = store.targets()
        due_at = clocks.monotonic() + max(targets.values(), default=0.0)
        for made in ask_all(targets, probe, clocks):
            _take(store, made, probe, clocks, emit)
        if store.settled():
            return
        time.sleep(max(0.0, due_at - clocks.monotonic()))


def _most_rounds(store: HealthStore) -> int:
    """Enough for every host to leave, to come back, and to be unknown in between."""
    thresholds = [service.spec.check.thresholds for service in store.snapshot()]
    return 2 * max((each.success + each.failure for each in thresholds), default=0) + 1


def _take(store: HealthStore, made: Report, probe: Probe, clocks: Clocks, emit: Callable[[Event], None]) -> None:
    taken = store.take([made])
    for event in (Probed(made), *taken.events):
        emit(event)
    for witness in ask_all(taken.ask, probe, clocks):
        _take(store, replace(witness, witness=True), probe, clocks, emit)


def settled(
    settings: Settings, config: Config, cluster: Cluster, emit: Callable[[Event], None]
) -> tuple[HealthStore, Reconciler]:
    """Reads the cluster, then probes until all verdicts are definite. Raises ClusterError: nothing can be read."""
    store, clocks = HealthStore(), Clocks()
    inventory = Inventory(config.services, store, settings.allowed_cidrs, emit, lambda _keys: None)
    reconciler = Reconciler(cluster, store, config.services, emit, clocks=clocks, on_ports=inventory.set_ports)
    inventory.resolve_all()
    cluster.start(lambda _keys: None)
    if not cluster.wait(CLUSTER_SECONDS):
        for spec in config.services:
            cluster.read(spec.key)
    reconciler.look()
    settle(store, whole_probe, clocks, emit)
    return store, reconciler


def result(config: Config, store: HealthStore, reconciler: Reconciler) -> Document:
    """As ``/status`` shows it."""
    return document(config, store, reconciler.publications(), Process("", time.time()))


def show_undecided(store: HealthStore, stream: TextIO) -> bool:
    """Shows each host whose probes came to no verdict. Returns whether there is one."""
    found = store.undecided()
    for member, state in found:
        message = state.outcome.message if state.outcome else "was not probed"
        stream.write(f"{member.service}: {member.host.name} ({member.address}) is undecided: {message or 'unknown'}\n")
    return bool(found)


def errors(found: Document) -> list[str]:
    return [service["error"] for service in found["services"] if service["error"]]
