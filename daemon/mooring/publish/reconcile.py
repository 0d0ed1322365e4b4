"""Brings the stored objects in line with what is known of the hosts: each Service by itself."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping

from mooring.cluster.protocol import Cluster
from mooring.judge.ports import FoundPorts
from mooring.judge.store import HealthStore
from mooring.leader.elector import Leadership, NoElection
from mooring.model.clocks import Clocks
from mooring.model.events import Event, ServiceReleased
from mooring.model.spec import ServiceKey, ServiceSpec
from mooring.publish.queue import Again, Cause
from mooring.publish.round import Rounds, Service
from mooring.publish.state import PublishState
from mooring.publish.workers import Workers

RESYNC_SECONDS = 30.0
"""How often at least the stored objects are looked at without a cause: a cluster reports its changes by itself."""
SPREAD = (0.8, 1.0)
"""Of these seconds, by chance: Services that were looked at together come apart within a few looks."""
TOGETHER_SECONDS = 0.5
"""Looks without a cause are due at whole half seconds: one wake of the threads for all of these, not one each."""
START_SECONDS = 2.0
"""How long the first look waits for the cluster to list what it holds."""
ALONE = NoElection()


class Reconciler:
    """A queue of Services, threads that work on it, and what is known of each Service's publication.

    Every method may be called from any thread, and none waits for a call to the cluster.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: HealthStore,
        specs: Iterable[ServiceSpec],
        emit: Callable[[Event], None],
        *,
        clocks: Clocks,
        leadership: Leadership = ALONE,
        on_ports: Callable[[ServiceKey, FoundPorts], None] = lambda _key, _found: None,
        on_left: Callable[[], None] = lambda: None,
        identity: str = "",
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._emit = emit
        self._monotonic = clocks.monotonic
        self._services = {spec.key: Service(spec) for spec in specs}
        self._first_looks = set(self._services)
        self._file = threading.Lock()
        """Held while another file is taken up, and while a round reads what it decides on. Never over I/O."""
        self._workers = Workers(self._work, clocks.monotonic, group=lambda key: key.namespace)
        self._rounds = Rounds(
            cluster,
            store,
            emit,
            clocks=clocks,
            leadership=leadership,
            on_ports=on_ports,
            on_left=on_left,
            turn=self._workers.turn,
            file=self._file,
            identity=identity,
        )
        self.seeded = threading.Event()
        """Set once every Service was looked at for the first time, successfully or not."""
        self.notice(sorted(self._services))

    def start(self) -> None:
        self._workers.start(self._begin)

    def _begin(self) -> None:
        """Starts to follow the cluster, and waits a moment for it to list what it holds."""
        self._cluster.start(self.notice)
        self._cluster.wait(START_SECONDS)

    def stop(self, seconds: float) -> bool:
        """Begins no new write, and waits for those under way, at most so many seconds; returns whether all ended."""
        for service in self._services.values():
            service.spec = None
        self._cluster.stop()
        return self._workers.stop(seconds)

    def take_over(self) -> None:
        """We lead from now on: every Service at once, whatever had failed before."""
        self.wake(self._services)

    def wake(self, keys: Iterable[ServiceKey]) -> None:
        """A verdict of these Services changed: they come before all else, whatever failed before."""
        self._workers.add([key for key in keys if key in self._services], Cause.VERDICT)

    def wake_later(self, key: ServiceKey, seconds: float) -> None:
        """As ``wake``, in so many seconds, unless a round comes before that."""
        self._workers.add_after(key, seconds, Cause.VERDICT)

    def notice(self, keys: Iterable[ServiceKey]) -> None:
        """The objects of these Services changed in the cluster; Services that the file does not list are ignored."""
        self._workers.add([key for key in keys if key in self._services], Cause.CHANGE)

    def replace(self, specs: Iterable[ServiceSpec], place: Callable[[], None]) -> None:
        """Keeps these Services from now on; known ones keep their state.

        ``place`` puts their members into the store. A round sees the file before or the new one, never half of both.
        A write under way goes on; the next write of its Service is decided by the new file. The objects of Services
        that left the file stay as they are.
        """
        after = {spec.key: spec for spec in specs}
        with self._file:
            place()
            released = sorted(self._services.keys() - after.keys())
            for key in released:
                self._services[key].spec = None
                self._store.drop(key)
            self._services = {key: self._kept(spec) for key, spec in after.items()}
            self._first_looks &= after.keys()
        self._workers.forget(released)
        for key in released:
            self._emit(ServiceReleased(key))
        self.wake(after)

    def _kept(self, spec: ServiceSpec) -> Service:
        service = self._services.get(spec.key) or Service(spec)
        service.spec = spec
        return service

    def publications(self) -> Mapping[ServiceKey, PublishState]:
        return {key: service.publication for key, service in self._services.items()}

    def knows_targets(self) -> bool:
        """Whether the ports of every Service are known, or why Mooring refuses the Service."""
        return all(service.has_targets for service in self._services.values())

    @property
    def turned_at(self) -> float:
        """When, in monotonic seconds, the slowest of the threads that publish began its present call."""
        return self._workers.turned_at

    def look(self) -> None:
        """Reads what is stored and which ports there are, and writes nothing: for commands that end."""
        for service in self._services.values():
            self._rounds.look(service)

    def rounds(self) -> None:
        """One round for each Service that is due, in the thread that calls: for commands that end."""
        self._workers.run_due()

    def _work(self, key: ServiceKey) -> Again | None:
        """One round; returns when the next one is due without a cause."""
        service = self._services.get(key)
        if service is not None:
            self._rounds.round(service)
        self._first_looks.discard(key)
        if not self._first_looks:
            self.seeded.set()
        return None if service is None else self._again(service.publication)

    def _again(self, publication: PublishState) -> Again:
        if publication.failures:
            return Again(publication.retry_at, pause=True)
        spread = random.uniform(*SPREAD)  # noqa: S311 -- no secret
        usual = self._monotonic() + RESYNC_SECONDS * spread
        usual -= usual % TOGETHER_SECONDS
        return Again(usual if publication.look_at is None else min(usual, publication.look_at))
