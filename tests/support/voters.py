"""Daemons of a model world that probe one Service, each over ways of its own, and vote on silent hosts."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from lab.health_stores import place, service, states
from lab.values import KEY, report, stored, target
from mooring.judge.store import HealthStore
from mooring.model.reasons import Reason
from mooring.model.silence import Outlook, Sight
from mooring.model.targets import Target
from mooring.model.verdicts import HostState, Verdict
from support.lease_world import TICK, LeaseWorld, ModelDaemon

A, B, C = "10.20.0.11", "10.20.0.12", "10.20.0.13"
HOSTS = (A, B, C)
TIMEOUT = 1.0


class Voter(ModelDaemon):
    """``silent``: hosts whose packets do not come back to this daemon; ``refusing``: those that refuse it."""

    def __init__(self, world: LeaseWorld, name: str, *, observers: bool = True, period: float = 1.0) -> None:
        self.silent: set[str] = set()
        self.refusing: set[str] = set()
        self.own: set[str] = set()
        self.period = period
        self.asked: list[str] = []
        """The places that others wanted to know of."""
        self._due: list[tuple[float, Target, bool]] = []
        self.store = HealthStore(None, lambda at, number: self.observer.votes(at, number))  # noqa: PLW0108 -- made later
        listed = replace(service(*HOSTS, period=period), observers=observers)
        place(self.store, listed)
        self.store.seed(KEY, stored(HOSTS))
        super().__init__(world, name, offset=7000.0 * len(world.daemons))

    def sights(self) -> Mapping[str, Sight]:
        return self.store.sights()

    def outlook(self) -> Outlook:
        return self.store.outlook()

    def ask(self, places: AbstractSet[str]) -> None:
        for found in self.store.at(places):
            self.asked.append(found.address)
            self._begin(found, witness=True)

    def is_own(self, place: str) -> bool:
        return place.rpartition(":")[0] in self.own

    def state(self, address: str) -> HostState:
        return states(self.store)[address]

    def ready(self, address: str) -> bool:
        return self.state(address).verdict is Verdict.READY

    def turn(self) -> None:
        now = self._monotonic()
        if not self.frozen:
            if now % self.period < TICK:
                for address in HOSTS:
                    self._begin(target(address), witness=False)
            self._end(now)
            self.blind = self.store.blind()
        super().turn()

    def _begin(self, of: Target, *, witness: bool) -> None:
        self._due.append((self._monotonic(), of, witness))

    def _end(self, now: float) -> None:
        """Reports what has had time to be answered, or not to be."""
        for one in tuple(self._due):
            started, of, witness = one
            seconds = TIMEOUT if of.address in self.silent else 0.0
            if now >= started + seconds:
                self._due.remove(one)
                reason = Reason.TIMEOUT if seconds else Reason.OK
                reason = Reason.REFUSED if of.address in self.refusing else reason
                made = report(of, reason, started=started, witness=witness)
                found = self.store.take([replace(made, ended=started + seconds)])
                for other in found.ask:
                    self._begin(other, witness=True)


def voters(*names: str, observers: bool = True, period: float = 1.0) -> tuple[LeaseWorld, list[Voter]]:
    """The first one leads; all know each other for a while."""
    world = LeaseWorld()
    made = []
    for name in names:
        made.append(world.join(Voter(world, name, observers=observers, period=period)))
        world.run(5)
    world.run(15)
    assert world.leader == names[0]
    return world, made
