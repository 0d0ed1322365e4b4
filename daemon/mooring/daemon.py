"""The composition root: builds the parts, hands listeners in, starts and stops them."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from mooring import __version__
from mooring.cluster.protocol import Cluster
from mooring.demotion.worker import DemotionWorker
from mooring.judge.dispatch import Dispatcher
from mooring.judge.store import HealthStore
from mooring.leader.candidate import Candidate
from mooring.leader.election import LeaseTimings
from mooring.leader.health import STILL_SECONDS, Health, standing_still
from mooring.leader.installation import sketch
from mooring.leader.store import LeaseStore
from mooring.leader.vicinity import is_own
from mooring.model.clocks import Clocks
from mooring.model.damping import DemotionLimit
from mooring.model.events import ClockJumped, ConfigRefused, ConfigReloaded, Event, Overrun
from mooring.model.probes import Report
from mooring.model.spec import Config, ServiceKey
from mooring.model.targets import Target
from mooring.observe import log
from mooring.observe.http import Server
from mooring.observe.metrics import Metrics
from mooring.observe.outbox import Outbox
from mooring.observe.recording import Recording
from mooring.observe.status import Process, document
from mooring.observe.summary import Document
from mooring.probe.assignment import Assignment
from mooring.probe.engine import Engine
from mooring.probe.inventory import Inventory, Networks
from mooring.probe.resolve import REFRESH_SECONDS
from mooring.probe.schedule import Schedule
from mooring.publish.reconcile import Reconciler

SWITCH_SECONDS = 0.0005
"""How long a thread keeps the interpreter while another waits. The engine gives it up with each question that it sends.
With the library's 0.005 s, a write of a thousand addresses in another thread delayed the engine by 0.1 s."""
SEED_SECONDS = 1.0
"""How long the first probes wait for the first look at the cluster. A report before that is shown, not judged."""
CREDENTIALS_SECONDS = 1.0
"""How often the files of passwords and CAs are looked at."""
FOLLOW_SECONDS = 0.5
"""How long a changed file waits for namespaces that are new in it to be listed."""
STOP_SECONDS = 1.5
LEAST_STOP_SECONDS = 0.1
"""Of each part, where those before it have taken all of the time."""
TIMINGS = LeaseTimings()


class Daemon:
    """Everything of ``mooring run``. Without ``listen`` it serves no HTTP, without ``lease`` it always writes.

    Listeners run in the threads that probe and publish, so none may wait; a slow one has one of ``outboxes``.
    ``dry``: the cluster stores nothing, so nothing may follow from a write.
    ``unheard_since`` returns since when, in Unix seconds, the API server has not answered; None: it answers.
    """

    _problems: tuple[str, ...] = ()
    """What is wrong in a changed file that is not in force."""

    def __init__(
        self,
        config: Config,
        cluster: Cluster,
        *,
        allowed: Networks = (),
        listen: tuple[str, int] | None = None,
        listeners: Sequence[Callable[[Event], None]] = (log.write,),
        outboxes: Sequence[Outbox[Any]] = (),
        ended: threading.Event | None = None,
        clocks: Clocks | None = None,
        lease: LeaseStore | None = None,
        observers: Sequence[LeaseStore] = (),
        timings: LeaseTimings = TIMINGS,
        dry: bool = False,
        unheard_since: Callable[[], float | None] = lambda: None,
        limit: DemotionLimit | None = None,
    ) -> None:
        self._config = config
        self._clocks = clocks or Clocks()
        self._loaded_at = self._clocks.wall()
        self._probed = False
        self._cluster = cluster
        self._unheard_since = unheard_since
        self._identity = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self._overruns = 0
        self.ended = ended or threading.Event()
        """Set when the daemon should end, or one of its threads has died of a defect."""
        self.defect = False
        self._store = HealthStore(limit, lambda place, silence: self._candidate.votes(place, silence))  # noqa: PLW0108 -- the candidate is built later
        self._build_probing(allowed)
        self._listed = sketch(str(spec.key) for spec in config.services)
        self._candidate = Candidate(
            lease,
            observers,
            self._identity,
            self._emit,
            lambda: self._reconciler.take_over(),  # noqa: PLW0108 -- the reconciler is built later
            clocks=self._clocks,
            timings=timings,
            health=self._health,
            sights=self._store.sights,
            ask=self._ask_for_others,
            is_own=is_own,
        )
        self._leadership = self._candidate.leadership
        self._build_publishing()
        self._build_observing(listen, listeners, outboxes, dry=dry)

    def _build_probing(self, allowed: Networks) -> None:
        self._engine = Engine(self._take, self._overrun, self._clocks)
        self._schedule = Schedule(self._engine.ask, lambda by: self._emit(ClockJumped(by)), self._clocks)
        self._assignment = Assignment(self._store, self._engine, self._schedule, lambda: self._metrics.track())  # noqa: PLW0108 -- the metrics are built later
        specs, now = self._config.services, self._clocks.monotonic
        self._inventory = Inventory(specs, self._store, allowed, self._emit, self._members_changed, monotonic=now)

    def _build_publishing(self) -> None:
        self._reconciler = Reconciler(
            self._cluster,
            self._store,
            self._config.services,
            self._emit,
            clocks=self._clocks,
            leadership=self._leadership,
            on_ports=self._inventory.set_ports,
            on_left=self._assignment.ask,
            identity=self._identity,
        )
        self._demotion = DemotionWorker(
            self._store, self._engine.lending, self._emit, clocks=self._clocks, leadership=self._leadership
        )

    def _build_observing(
        self,
        listen: tuple[str, int] | None,
        listeners: Sequence[Callable[[Event], None]],
        outboxes: Sequence[Outbox[Any]],
        *,
        dry: bool,
    ) -> None:
        publications = self._reconciler.publications
        self._metrics = Metrics(
            self._store, publications, self._loaded_at, self._leads, outboxes, lease_shared=self._candidate.shares_lease
        )
        self._dispatcher = Dispatcher(
            self._store,
            wake=self._reconciler.wake,
            wake_later=self._reconciler.wake_later,
            ask_witness=self._engine.ask_witness,
            probe_soon=self._engine.probe_soon,
            count=self._metrics.probed,
            emit=self._emit,
            shows_probes=log.wants_probes,
        )
        acting = () if dry else (self._demotion.write,)
        self._listeners = (self._metrics.write, Recording(self._store).write, *acting, *listeners)
        self._server = listen and Server(
            listen, self._store, alive=self.alive, ready=self._ready, status=self.status, metrics=self._metrics.page
        )

    def start(self) -> None:
        """Looks at the cluster before it probes, so that a restart finds the verdicts that it left."""
        threading.excepthook = self._die
        sys.setswitchinterval(SWITCH_SECONDS)
        self._inventory.start()
        if self._server:
            self._server.start()
        self._reconciler.start()
        self._candidate.start()
        self._reconciler.seeded.wait(SEED_SECONDS)
        self._engine.start()
        self._schedule.start()
        self._demotion.start()
        self._assignment.assign()
        self._assignment.start()
        self._schedule.every(CREDENTIALS_SECONDS, self._assignment.renew)
        self._schedule.every(REFRESH_SECONDS, self._inventory.names.refresh)
        facts = {"version": __version__, "identity": self._identity, "config": self._config.hash}
        counts = {"services": len(self._config.services), "targets": len(self._store.targets())}
        log.say("info", "daemon.started", facts | counts)

    def stop(self) -> None:
        """Stops probing, lets a write under way end, gives the Lease back, closes the HTTP server.

        All of that takes at most about ``STOP_SECONDS``, also where the API server hangs.
        """
        until = time.monotonic() + STOP_SECONDS

        def left() -> float:
            return max(LEAST_STOP_SECONDS, until - time.monotonic())

        self._assignment.stop()
        self._candidate.end()
        self._schedule.stop()
        self._demotion.stop(left())
        self._engine.stop(left())
        ended = self._reconciler.stop(left())
        self._candidate.stop(left(), give_back=ended)
        if self._server:
            self._server.stop()
        log.say("info", "daemon.ended", {"identity": self._identity})

    def take_up(self, config: Config) -> None:
        """Puts another file in force before it returns; hosts that it does not change keep verdict, streak and turn."""
        before, after = ({spec.key.namespace for spec in one.services} for one in (self._config, config))
        self._cluster.follow(before | after)
        self._cluster.wait(FOLLOW_SECONDS)
        self._reconciler.replace(config.services, lambda: self._place(config))
        self._assignment.assign()
        self._engine.renew()
        self._cluster.follow(after)
        self._emit(ConfigReloaded(config.hash, self._loaded_at))

    def _place(self, config: Config) -> None:
        self._inventory.replace(config.services)
        self._config, self._loaded_at, self._problems = config, self._clocks.wall(), ()
        self._listed = sketch(str(spec.key) for spec in config.services)

    def refuse(self, problems: tuple[str, ...]) -> None:
        """Notes that another file is wrong; the one before stays in force."""
        self._problems = problems
        self._emit(ConfigRefused(problems, self._clocks.wall()))

    def status(self) -> Document:
        facts = (self._identity, self._loaded_at, self._overruns, self._problems, self._leads())
        process = Process(
            *facts,
            holder=self._candidate.holder,
            unheard_since=self._unheard_since(),
            login_seconds=self._engine.login_seconds,
        )
        return document(self._config, self._store, self._reconciler.publications(), process)

    def settled_file(self) -> float | None:
        """When the file in force was taken up, in Unix seconds; None: not every host has been probed yet."""
        return self._loaded_at if self._ready() is None else None

    def _leads(self) -> bool:
        return self._leadership.may_write(self._clocks.monotonic())

    def _take(self, reports: Sequence[Report]) -> None:
        self._dispatcher.take(reports)

    def _ask_for_others(self, places: AbstractSet[str]) -> None:
        """Another daemon cannot reach these: it wants to know whether we do."""
        for target in self._store.at(places):
            self._engine.ask_witness(target)

    def _members_changed(self, keys: Collection[ServiceKey]) -> None:
        self._reconciler.wake(keys)
        self._assignment.ask()

    def _overrun(self, target: Target) -> None:
        self._overruns += 1
        self._emit(Overrun(target))

    def _emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def alive(self, within: float = STILL_SECONDS) -> str | None:
        """None, or which thread has not turned for so many seconds, nor for three periods."""
        longest = max(spec.check.period for spec in self._config.services)
        turned_at = {
            "scheduler": self._schedule.turned_at,
            "engine": self._engine.turned_at,
            "writer": self._reconciler.turned_at,
        }
        return standing_still(turned_at, self._clocks.monotonic(), longest, within)

    def _health(self) -> Health:
        """What decides whether this daemon may hold the Lease."""
        blind, answered = self._store.sight()
        outlook = self._store.outlook()
        return Health(self.alive() or "", blind, self._ready() is None, answered, self._listed, outlook)

    def _ready(self) -> str | None:
        """None, or why not. Once ready it stays so: a host that a changed file adds delays no rolling update."""
        self._probed = self._probed or (self._reconciler.knows_targets() and self._store.all_probed())
        return None if self._probed else "not every host has been probed yet"

    def _die(self, args: threading.ExceptHookArgs) -> None:
        """A defect in a thread ends the daemon; its supervisor starts it anew, and a restart moves no traffic."""
        name = args.thread.name if args.thread else "?"
        error = (args.exc_type, args.exc_value, args.exc_traceback)
        log.say("critical", "defect", {"thread": name, "exc_info": error})
        self.defect = True
        self.ended.set()
