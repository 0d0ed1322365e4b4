"""``mooring run``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from mooring.cli import again
from mooring.cli.codes import DEFECT, NOT_READY, OK
from mooring.cli.heap import Heap
from mooring.cli.once import errors, result, settled, show_undecided
from mooring.cli.options import ALL, takes
from mooring.cli.settings import Purpose, Settings
from mooring.cli.startup import Reached, cluster_of, reloading, started
from mooring.cluster.dry import DryCluster
from mooring.cluster.protocol import Cluster
from mooring.config.reload import Reloader
from mooring.daemon import Daemon
from mooring.model.objects import Write
from mooring.model.spec import Config
from mooring.observe import log, streams, table
from mooring.observe.live import live
from mooring.observe.notify import Notifier
from mooring.observe.outbox import Outbox, QueuedListener
from mooring.observe.summary import all_ready
from mooring.plan.diff import diff_of

TERMINAL_SECONDS = 1.0
LOOK_SECONDS = 0.5
"""The kernel may hand a signal to any thread (signal(7)); Python handles it in the main one, and does not wake that."""
WATCHDOG_SECONDS = 20.0
"""A part that has not turned for so long is hung: no part makes more than three bounded calls in one turn."""


@click.command()
@click.option("--once", is_flag=True, help="probe until each verdict is definite, write once, end")
@click.option("--dry-run", is_flag=True, help="print each write as a diff instead")
@takes(ALL)
def command(*, once: bool, dry_run: bool, **given: object) -> int:
    ended = threading.Event()
    if not once:
        _heed_signals(ended)
        if again.wait_for_turn(ended):
            return OK
    settings, config = started(given, Purpose.ONCE if once else Purpose.RUN)
    if once:
        reached = cluster_of(settings, config)
        return _once(settings, config, DryCluster(reached.cluster, _print_diff) if dry_run else reached.cluster)
    try:
        return _run(settings, config, cluster_of(settings, config), ended, dry_run=dry_run)
    except RuntimeError as error:
        if not again.lacks_thread(error):
            raise
        if ended.is_set():
            return OK
        again.start_again()


def _heed_signals(ended: threading.Event) -> None:
    """SIGTERM and SIGINT end the daemon, also while it starts; SIGHUP finds nothing to reload yet."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _run(settings: Settings, config: Config, reached: Reached, ended: threading.Event, *, dry_run: bool) -> int:
    """The daemon from its start to its end; returns the exit code."""
    log.start()
    diffs = _diffs(ended) if dry_run else None
    if diffs:
        reached = Reached(DryCluster(reached.cluster, diffs.put), unheard_since=reached.unheard_since)
    notifier = Notifier(os.environ)
    listeners: list[QueuedListener] = [notifier, *reached.listeners]
    outboxes = [*(one.outbox for one in listeners), *([diffs] if diffs else [])]
    daemon = Daemon(
        config,
        reached.cluster,
        allowed=settings.allowed_cidrs,
        listen=(settings.listen.host, settings.listen.port) if settings.listen else None,
        listeners=(log.write, *(one.write for one in listeners)),
        outboxes=outboxes,
        ended=ended,
        lease=reached.lease,
        observers=reached.observers,
        unheard_since=reached.unheard_since,
        dry=dry_run,
        limit=settings.max_demotions,
    )
    watched = settings.log_format == "auto" and sys.stdout.isatty() and not dry_run
    reloader = reloading(settings, config, daemon, notifier.reloading)
    try:
        code, hangs = _until_ended(daemon, reloader, notifier, watched=watched)
    finally:
        _flush(outboxes)
    if hangs:
        os._exit(code)  # Python itself would wait for what that thread holds of standard output
    return code


def _diffs(ended: threading.Event) -> Outbox[Write]:
    """Prints each write that a dry run would make. The daemon ends with the reader of its standard output."""

    def show(change: Write) -> None:
        try:
            _print_diff(change)
        except OSError as error:
            log.say("error", "diffs.failed", {"why": f"standard output: {error.strerror}"})
            ended.set()

    def report(count: int) -> None:
        log.say("warning", "diffs.dropped", {"count": count, "means": "nobody read these diffs in time"})

    return Outbox("diffs", show, report)


def _flush(outboxes: Sequence[Outbox[Any]]) -> None:
    """Hands over what still waits; one reader that hangs costs the end of the daemon a second at most."""
    until = time.monotonic() + log.FLUSH_SECONDS
    for outbox in outboxes:
        if outbox.name != "events":  # the API server may be the reason to end
            outbox.flush(max(0.0, until - time.monotonic()))
    log.flush(max(0.0, until - time.monotonic()))


def _until_ended(daemon: Daemon, reloader: Reloader, notifier: Notifier, *, watched: bool) -> tuple[int, bool]:
    """Runs the daemon until a signal or a defect ends it. Returns the exit code, and whether the terminal hangs."""
    daemon.start()
    reloader.start()
    signal.signal(signal.SIGHUP, lambda *_: reloader.ask())
    notifier.ready()
    notifier.watch(lambda: daemon.alive(within=WATCHDOG_SECONDS))
    shown = _show_table(daemon) if watched else None
    heap = Heap()
    while not daemon.ended.wait(LOOK_SECONDS):
        heap.look(daemon.settled_file())
    notifier.stopping()
    reloader.stop()
    daemon.stop()
    if shown:
        shown.join(TERMINAL_SECONDS)
    return DEFECT if daemon.defect else OK, bool(shown and shown.is_alive())


def _show_table(daemon: Daemon) -> threading.Thread:
    """Shows the table until the daemon ends, in a thread: a terminal may stand still (Ctrl-S), and nobody waits."""

    def show() -> None:
        with suppress(OSError), live(lambda: table.watched(daemon.status())):
            daemon.ended.wait()

    thread = threading.Thread(target=show, name="table", daemon=True)
    thread.start()
    return thread


def _once(settings: Settings, config: Config, cluster: Cluster) -> int:
    """Probes until all is definite, then one round of writes."""
    store, reconciler = settled(settings, config, cluster, log.write)
    reconciler.rounds()
    found, undecided = result(config, store, reconciler), show_undecided(store, sys.stderr)
    return OK if all_ready(found["services"]) and not errors(found) and not undecided else NOT_READY


def _print_diff(change: Write) -> None:
    streams.write(sys.stdout, diff_of(change))
