"""The composition root: builds the parts, hands listeners in, starts and stops them."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
from collections.abc import Callable, Sequence

from mooring import __version__
from mooring.board import Board
from mooring.clocks import Clocks
from mooring.cluster.protocol import Cluster
from mooring.decide.election import Timings
from mooring.demote import Demote
from mooring.engine.credentials import Credentials
from mooring.engine.engine import Engine
from mooring.events import ClockJumped, ConfigRefused, ConfigReloaded, Event, Overrun, Probed
from mooring.fleet import Fleet, Networks
from mooring.lead import Lead, Leading, Store
from mooring.model import Observation, Report, Target
from mooring.observe import log
from mooring.observe.http import Server
from mooring.observe.metrics import Metrics
from mooring.observe.status import Document, Process, document
from mooring.protocols.registry import PROTOCOLS
from mooring.reconcile import ALONE, Reconciler
from mooring.resolve import REFRESH_SECONDS
from mooring.schedule import Schedule
from mooring.spec import Config

SWITCH_SECONDS = 0.0005
"""How long a thread keeps the interpreter while another waits. The engine gives it up with each question that it sends;
by the library's 0.005 s, a write of a thousand addresses beside it made it late by 0.1 s."""
SEED_SECONDS = 1.0
"""How long the first probes wait for the first look at the cluster: a report before it is shown, not judged."""
CREDENTIALS_SECONDS = 1.0
"""How often the files of passwords and CAs are looked at."""
FOLLOW_SECONDS = 0.5
"""How long a changed file waits for namespaces that are new in it to be listed."""
STOP_SECONDS = 1.5
TIMINGS = Timings()
STILL_PERIODS = 3
STILL_SECONDS = 30.0


def probe(target: Target) -> Observation:
    """One whole probe, by the target's protocol."""
    return PROTOCOLS[target.protocol].probe(target)


class Daemon:
    """Everything of ``mooring run``; ``listen`` is None where no HTTP is wanted, ``lease`` where it always writes.

    ``dry``: the cluster stores nothing, so nothing may be done that follows from a write.
    """

    _problems: tuple[str, ...] = ()
    """Of a changed file that was not taken up."""

    def __init__(
        self,
        config: Config,
        cluster: Cluster,
        *,
        allowed: Networks = (),
        listen: tuple[str, int] | None = None,
        listeners: Sequence[Callable[[Event], None]] = (log.write,),
        ended: threading.Event | None = None,
        clocks: Clocks | None = None,
        lease: Store | None = None,
        timings: Timings = TIMINGS,
        dry: bool = False,
    ) -> None:
        self._config = config
        self._clocks = clocks or Clocks()
        self._loaded_at = self._clocks.wall()
        self._probed = False
        self._cluster = cluster
        self._identity = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self._overruns = 0
        self.ended = ended or threading.Event()
        """Set when the daemon should end, or a thread of it has died of a defect."""
        self.defect = False
        self._board = Board()
        self._credentials = Credentials()
        self._engine = Engine(self._take, self._overrun, self._clocks)
        self._schedule = Schedule(self._engine.ask, lambda by: self._emit(ClockJumped(by)), self._clocks)
        self._fleet = Fleet(config.services, self._board, allowed, self._emit, self._assign)
        self._lead = lease and Lead(
            lease, self._identity, self._emit, self._take_over, clocks=self._clocks, timings=timings
        )
        self._leading: Leading = self._lead or ALONE
        self._reconciler = Reconciler(
            cluster,
            self._board,
            config.services,
            self._emit,
            clocks=self._clocks,
            lead=self._leading,
            on_ports=self._fleet.learn_ports,
        )
        self._metrics = Metrics(self._board, self._reconciler.standings, self._loaded_at, self._leads)
        self._demote = Demote(self._board, self._engine.lending, self._emit, clocks=self._clocks, lead=self._leading)
        acting = () if dry else (self._demote.write,)
        self._listeners = (self._metrics.write, *acting, *listeners)
        self._server = listen and Server(
            listen, alive=self.alive, ready=self._ready, status=self.status, metrics=self._metrics.page
        )

    def start(self) -> None:
        """First what is stored, then the probes: a restart must find the verdicts that it left."""
        threading.excepthook = self._die
        sys.setswitchinterval(SWITCH_SECONDS)
        self._fleet.begin()
        if self._server:
            self._server.start()
        self._reconciler.start()
        if self._lead:
            self._lead.start()
        self._reconciler.seeded.wait(SEED_SECONDS)
        self._engine.start()
        self._schedule.start()
        self._demote.start()
        self._assign()
        self._schedule.every(CREDENTIALS_SECONDS, self._renew)
        self._schedule.every(REFRESH_SECONDS, self._fleet.names.refresh)
        services, targets = len(self._config.services), len(self._board.targets())
        identity = {"version": __version__, "identity": self._identity, "config": self._config.hash}
        log.say("info", "daemon.started", {**identity, "services": services, "targets": targets})

    def stop(self) -> None:
        """Asks no more, lets a write under way end, gives the Lease back, closes the door."""
        self._schedule.stop()
        self._demote.stop(STOP_SECONDS)
        self._engine.stop(STOP_SECONDS)
        ended = self._reconciler.stop(STOP_SECONDS)
        if self._lead:
            self._lead.stop(STOP_SECONDS, give_back=ended)
        if self._server:
            self._server.stop()
        log.say("info", "daemon.ended", {"identity": self._identity})

    def _take_over(self) -> None:
        self._reconciler.take_over()

    def take_up(self, config: Config) -> None:
        """Another file, in force when this returns: what it does not change keeps its verdict, streak and turn."""
        before, after = ({spec.key.namespace for spec in one.services} for one in (self._config, config))
        self._cluster.follow(before | after)
        self._cluster.wait(FOLLOW_SECONDS)
        self._reconciler.replace(config.services, lambda: self._place(config))
        self._assign()
        self._cluster.follow(after)
        self._emit(ConfigReloaded(config.hash, self._loaded_at))

    def _place(self, config: Config) -> None:
        self._fleet.replace(config.services)
        self._config, self._loaded_at, self._problems = config, self._clocks.wall(), ()

    def refuse(self, problems: tuple[str, ...]) -> None:
        """Another file that is wrong: the one before stays in force."""
        self._problems = problems
        self._emit(ConfigRefused(problems, self._clocks.wall()))

    def status(self) -> Document:
        process = Process(self._identity, self._loaded_at, self._overruns, self._problems, self._leads())
        return document(self._config, self._board, self._reconciler.standings(), process)

    def _leads(self) -> bool:
        return self._leading.may_write(self._clocks.monotonic())

    def _take(self, reports: Sequence[Report]) -> None:
        """Changes first: a write is urgent, and changes of one moment share it; to be told of them is not."""
        taken = self._board.take(reports)
        if taken.changed:
            self._reconciler.wake(taken.changed)
        for key, seconds in taken.vacant.items():
            later = threading.Timer(seconds, self._reconciler.wake, [(key,)])
            later.daemon = True
            later.start()
        for target in taken.ask:
            self._engine.ask_witness(target)
        if taken.hasten:
            self._engine.hasten(taken.hasten)
        self._metrics.probed(reports, taken.judged)
        if log.wants_probes():
            for report in reports:
                self._emit(Probed(report))
        for event in taken.events:
            self._emit(event)

    def _assign(self) -> None:
        self._metrics.seat()
        self._engine.assign(self._board.terms())
        self._schedule.assign(self._board.targets())
        self._reconciler.wake(spec.key for spec in self._config.services)

    def _renew(self) -> None:
        if changed := self._credentials.changed(self._board.targets()):
            self._engine.renew(changed)

    def _overrun(self, target: Target) -> None:
        self._overruns += 1
        self._emit(Overrun(target))

    def _emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def alive(self, within: float = STILL_SECONDS) -> str | None:
        """None, or what has not turned for so many seconds, nor for three periods."""
        longest = max(spec.check.period for spec in self._config.services)
        oldest = self._clocks.monotonic() - max(STILL_PERIODS * longest, within)
        turns = {
            "scheduler": self._schedule.turned_at,
            "engine": self._engine.turned_at,
            "writer": self._reconciler.turned_at,
        }
        for part, turned_at in turns.items():
            if turned_at < oldest:
                return f"the {part} stands still"
        return None

    def _ready(self) -> str | None:
        """Once ready, it stays so: a host that a changed file adds makes no rolling update wait."""
        self._probed = self._probed or (self._reconciler.knows_targets() and self._board.all_probed())
        return None if self._probed else "not every host has been probed yet"

    def _die(self, args: threading.ExceptHookArgs) -> None:
        """A defect in a thread ends the daemon: whoever started it starts it anew, and a restart moves no traffic."""
        name = args.thread.name if args.thread else "?"
        error = (args.exc_type, args.exc_value, args.exc_traceback)
        log.say("critical", "defect", {"thread": name, "exc_info": error})
        self.defect = True
        self.ended.set()
