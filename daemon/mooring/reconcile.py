"""Brings the stored objects in line with the board, in a thread of its own."""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from mooring.board import Board, View
from mooring.clocks import Clocks
from mooring.cluster.protocol import Cluster
from mooring.decide.drain import drain, news, without_drained
from mooring.decide.hazard import alarm, hazard
from mooring.decide.intent import Intent, intend
from mooring.decide.plan import Refusal
from mooring.decide.service import of_family
from mooring.errors import ClusterError, Conflict, Rejected, Unavailable
from mooring.events import (
    AddressLeftOut,
    Event,
    HazardFound,
    KeptLast,
    NotPublished,
    ServiceReleased,
)
from mooring.lead import Alone, Leading
from mooring.model import Serving
from mooring.picture import Picture
from mooring.spec import Port, Publish, ServiceKey, ServiceSpec
from mooring.standing import Standing
from mooring.writer import Writer

RESYNC_SECONDS = 1.0
"""How often the stored objects are looked at without a cause: for somebody else's edits."""
BACKOFF_SECONDS = (0.1, 5.0)
"""A failed round is tried again after the first, doubled each time up to the second, jittered."""
START_SECONDS = 2.0
"""How long the first look waits for the cluster to tell what it holds."""
MOST_RETRY_AFTER_SECONDS = 60.0
ALONE = Alone()


class Reconciler:
    """Reads, decides, writes: one Service after the other, each only when it is due."""

    def __init__(
        self,
        cluster: Cluster,
        board: Board,
        specs: Iterable[ServiceSpec],
        emit: Callable[[Event], None],
        *,
        clocks: Clocks,
        lead: Leading = ALONE,
        on_ports: Callable[[ServiceKey, tuple[Port, ...]], None] = lambda _key, _ports: None,
    ) -> None:
        self._cluster = cluster
        self._board = board
        self._specs = {spec.key: spec for spec in specs}
        self._emit = emit
        self._on_ports = on_ports
        self._lead = lead
        self._writer = Writer(cluster, board, emit, lead=lead, clocks=clocks, turn=self._turn)
        self._monotonic = clocks.monotonic
        self._wall = clocks.wall
        self._standings = dict.fromkeys(self._specs, Standing())
        self._told: set[ServiceKey] = set()
        self._lock = threading.Lock()
        self._due: set[ServiceKey] = set(self._specs)
        self._jobs: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)
        self.seeded = threading.Event()
        """Set once every Service was looked at for the first time, successfully or not."""
        self.turned_at = clocks.monotonic()

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Lets a write that is under way end, for at most so many seconds; whether it did."""
        self._stopping = True
        self._cluster.stop()
        self._wake.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def take_over(self) -> None:
        """We lead from now on: every Service at once, whatever had failed before."""
        self._jobs.put((self._forget_pauses, threading.Event()))
        self.wake(self._specs)

    def _forget_pauses(self) -> None:
        self._standings = {key: replace(standing, retry_at=0.0) for key, standing in self._standings.items()}

    def wake(self, keys: Iterable[ServiceKey]) -> None:
        """These Services may need a write now; others are none of ours."""
        with self._lock:
            self._due.update(key for key in keys if key in self._specs)
        self._wake.set()

    def replace(self, specs: Iterable[ServiceSpec], place: Callable[[], None]) -> None:
        """Keeps these Services from the next round on; returns when it does.

        ``place`` puts their members on the board. It is called between two rounds: none sees half of a file.
        """
        done = threading.Event()
        self._jobs.put((lambda: self._take_up({spec.key: spec for spec in specs}, place), done))
        self._wake.set()
        done.wait()

    def _take_up(self, specs: dict[ServiceKey, ServiceSpec], place: Callable[[], None]) -> None:
        """Known Services go on as they stand; the objects of those that left the file stay as they are."""
        place()
        released = sorted(self._specs.keys() - specs.keys())
        with self._lock:
            self._specs, self._due = specs, set(specs)
        self._told &= specs.keys()
        self._standings = {key: self._standings.get(key, Standing()) for key in specs}
        for key in released:
            self._board.drop(key)
            self._emit(ServiceReleased(key))

    def _do_jobs(self) -> None:
        while not self._jobs.empty():
            job, done = self._jobs.get()
            job()
            done.set()

    def standings(self) -> Mapping[ServiceKey, Standing]:
        return dict(self._standings)

    def knows_targets(self) -> bool:
        """The cluster has told the ports of each Service that leaves them to it, or why it is refused."""
        return all(
            key in self._told or spec.ports or all(host.probe_port for host in spec.hosts)
            for key, spec in self._specs.items()
        )

    def _run(self) -> None:
        self._cluster.start(self.wake)
        self._cluster.wait(START_SECONDS)
        resync_at = self._monotonic() + RESYNC_SECONDS
        while not self._stopping:
            self.turned_at = self._monotonic()
            if self.turned_at >= resync_at:
                self.wake(self._specs)
                resync_at = self.turned_at + RESYNC_SECONDS
            self.rounds()
            self.seeded.set()
            self._wake.wait(self._pause(resync_at))
            self._wake.clear()

    def look(self) -> None:
        """Learns what is stored and which ports there are, and writes nothing: for commands that end."""
        for key, standing in self._standings.items():
            try:
                self._board.seed(key, self._picture(self._specs[key]))
                serving = self._cluster.serving(self._specs[key])
                if isinstance(serving, Serving):
                    self._on_ports(key, serving.ports)
            except ClusterError as error:
                # It cannot be written either; its hosts are judged as if nothing were stored.
                self._board.seed(key, None)
                self._standings[key] = self._failed(key, standing, error)

    def rounds(self) -> None:
        """One round for each Service that is due and need not wait for its backoff."""
        self._do_jobs()
        with self._lock:
            due, self._due = self._due, set()
        for key in sorted(due):
            if self._stopping:
                return
            self.turned_at = self._monotonic()
            if key in self._specs and self._standings[key].retry_at <= self.turned_at:
                self._standings[key] = self._round(key, self._standings[key])
            self._do_jobs()

    def _pause(self, resync_at: float) -> float:
        """Until the next resync, or until the first Service that failed may be tried again: it stays due."""
        now = self._monotonic()
        waiting = {key: standing.retry_at for key, standing in self._standings.items() if standing.failures}
        with self._lock:
            self._due.update(waiting)
        return max(0.0, min([resync_at, *waiting.values()]) - now)

    def _round(self, key: ServiceKey, standing: Standing) -> Standing:
        try:
            return self._reconcile(self._specs[key], standing)
        except ClusterError as error:
            return self._failed(key, standing, error)

    def _reconcile(self, spec: ServiceSpec, standing: Standing) -> Standing:
        """Read what is stored; seed from it once; see what should be; store the difference, step by step."""
        stored = self._picture(spec)
        standing = replace(standing, stored=stored)
        self._board.seed(spec.key, stored)
        serving = self._cluster.serving(spec)
        if isinstance(serving, Serving):
            self._on_ports(spec.key, serving.ports)
        self._told.add(spec.key)
        if not self._lead.may_write(self._monotonic()):
            self._board.follow(spec.key, stored)
            return self._stand_by(spec, serving, standing)
        if isinstance(serving, Refusal):
            return self._refused(spec.key, standing, serving.why)
        view = self._board.view(spec.key)
        standing = self._drain(spec, view, serving, standing)
        view = without_drained(view, standing.drain)
        standing = self._leave_out(view, serving, standing)
        intent = self._intent(spec, view, serving, standing)
        self._tell_kept(spec.key, standing, intent.selection.kept)
        standing = replace(standing, kept=intent.selection.kept)
        after = self._writer.store(spec, intent, serving, standing)
        if isinstance(after, Refusal):
            return self._refused(spec.key, standing, after.why)
        return self._look_out(spec.key, intent, serving, standing.error, after)

    def _picture(self, spec: ServiceSpec) -> Picture:
        """What is stored. An account that may not read slices is no hindrance to Endpoints."""
        endpoints = self._cluster.read(spec.key)
        try:
            return Picture(endpoints, self._cluster.slices(spec.key))
        except Rejected:
            if spec.publish is not Publish.ENDPOINTS:
                raise
            return Picture(endpoints, hidden=True)

    def _intent(self, spec: ServiceSpec, view: View, serving: Serving, standing: Standing) -> Intent:
        fresh = self._board.changed_at(spec.key) != standing.changed_at
        evidence = self._board.evidence(spec.key) if fresh else None
        waiting = self._board.waiting(spec.key)
        return intend(spec, view, standing.stored, serving, standing.unfit, waiting=waiting, evidence=evidence)

    def _look_out(
        self, key: ServiceKey, intent: Intent, serving: Serving, error: str | None, standing: Standing
    ) -> Standing:
        """Tells once what is in the way of the traffic of a Service that is published as it should be."""
        found = hazard(standing.stored, intent.wanted) if serving.mirrored and standing.error is None else None
        standing = replace(standing, alarm=alarm(standing.alarm, found, self._monotonic()))
        if found is None or not standing.alarm.rings:
            return standing
        if error != found.why:
            self._emit(HazardFound(key, found.kind, found.why))
        return replace(standing, error=found.why)

    def _stand_by(self, spec: ServiceSpec, serving: Serving | Refusal, standing: Standing) -> Standing:
        """Another writes, and tells what hinders it; what it stores is no edit of ours that somebody undid."""
        listed = self._board.view(spec.key)
        drained = drain(serving.drain, spec.hosts, listed) if isinstance(serving, Serving) else standing.drain
        changed_at = self._board.changed_at(spec.key)
        return Standing(standing.stored, standing.applied_at, changed_at=changed_at, drain=drained)

    def _drain(self, spec: ServiceSpec, view: View, serving: Serving, standing: Standing) -> Standing:
        found = drain(serving.drain, spec.hosts, view)
        for event in news(spec.key, standing.drain, found):
            self._emit(event)
        return replace(standing, drain=found)

    def _leave_out(self, view: View, serving: Serving, standing: Standing) -> Standing:
        every = [(member, address) for member, _ in view for address in member.addresses]
        unfit = [(member, address) for member, address in every if not of_family(address, serving.families)]
        for member, address in unfit:
            if address not in standing.unfit:
                why = f"the Service has only {' and '.join(serving.families)}"
                self._emit(AddressLeftOut(member.service, member.host, address, why))
        return replace(standing, unfit=frozenset(address for _, address in unfit))

    def _tell_kept(self, key: ServiceKey, standing: Standing, kept: tuple[str, ...]) -> None:
        if kept and kept != standing.kept:
            self._emit(KeptLast(key, kept))

    def _turn(self) -> None:
        self.turned_at = self._monotonic()

    def _failed(self, key: ServiceKey, standing: Standing, error: ClusterError) -> Standing:
        """A conflict is news, not a failure: look again at once; only in a row it backs off like the others."""
        first, last = BACKOFF_SECONDS
        pause = min(last, first * 2.0 ** min(standing.failures, 16)) * random.uniform(0.5, 1.0)  # noqa: S311 -- no secret
        if isinstance(error, Conflict) and standing.failures == 0:
            return replace(standing, failures=1, retry_at=self._monotonic())
        if isinstance(error, Unavailable) and error.retry_after is not None:
            pause = max(pause, min(error.retry_after, MOST_RETRY_AFTER_SECONDS))
        later = replace(standing, failures=standing.failures + 1, retry_at=self._monotonic() + pause)
        return self._hindered(key, later, str(error), refused=isinstance(error, Rejected))

    def _refused(self, key: ServiceKey, standing: Standing, why: str) -> Standing:
        """Until somebody changes something there is nothing to try again, whatever had failed before."""
        return self._hindered(key, replace(standing, failures=0, retry_at=0.0), why, refused=True)

    def _hindered(self, key: ServiceKey, standing: Standing, why: str, *, refused: bool) -> Standing:
        if why != standing.error:
            self._emit(NotPublished(key, why, refused))
        return replace(standing, error=why)
