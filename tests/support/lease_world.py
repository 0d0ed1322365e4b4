"""Daemons over one set of Leases in a model world with its own time: what no real machine can be made to do at will."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TypeVar

from mooring.leader.election import Claim, Lease, LeaseTimings
from mooring.leader.elector import LeaderElector
from mooring.leader.health import Health
from mooring.leader.installation import Services, sketch
from mooring.leader.observer import Observer
from mooring.leader.store import LeaseStore
from mooring.leader.vantage import SLOTS
from mooring.model.clocks import Clocks
from mooring.model.errors import ClusterError, Conflict, Unavailable
from mooring.model.events import Event, LeaderChanged
from mooring.model.lease_events import LeaseHandedOver
from mooring.model.silence import NO_OUTLOOK, Outlook, Sight

AnyDaemon = TypeVar("AnyDaemon", bound="ModelDaemon")
TICK = 0.5
ELECTION = "mooring"
OURS = sketch(["default/db"])


class LeaseWorld:
    """All Leases by name, compared and swapped; one time for all, which every daemon counts from another zero."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.leases: dict[str, Lease] = {}
        self.versions = 0
        self.holders: list[tuple[float, str]] = []
        """Who took the Lease of the election, and when."""
        self.daemons: dict[str, ModelDaemon] = {}

    def add(self, name: str, **options: object) -> ModelDaemon:
        return self.join(ModelDaemon(self, name, offset=7000.0 * len(self.daemons), **options))  # type: ignore[arg-type]

    def join(self, daemon: AnyDaemon) -> AnyDaemon:
        self.daemons[daemon.name] = daemon
        return daemon

    def swap(self, name: str, claimed: Claim) -> Lease:
        held = self.leases.get(name)
        if (held and held.version) != (claimed.before and claimed.before.version):
            raise Conflict("another")
        self.versions += 1
        self.leases[name] = replace(claimed.wanted, version=str(self.versions))
        if name == ELECTION and claimed.wanted.holder not in {"", held.holder if held else ""}:
            self.holders.append((self.now, claimed.wanted.holder))
        return self.leases[name]

    @property
    def leader(self) -> str:
        """The one that may write; never two."""
        found = [name for name, daemon in self.daemons.items() if daemon.leads]
        assert len(found) <= 1
        return found[0] if found else ""

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += TICK
            for daemon in self.daemons.values():
                daemon.turn()
                assert self.leader in {"", *self.daemons}

    def until(self, wanted: Callable[[], bool], seconds: float) -> float:
        """How long it took."""
        begun = self.now
        while not wanted():
            assert self.now - begun < seconds, "it never came to pass"
            self.run(TICK)
        return self.now - begun


@dataclass
class _Store:
    """One Lease as one daemon reaches it; its requests fail where the daemon says so."""

    world: LeaseWorld
    daemon: ModelDaemon
    name: str

    def start(self, wake: Callable[[], None]) -> None: ...

    def stop(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        return True

    def date(self) -> float | None:
        return self.daemon.date

    def read(self) -> Lease | None:
        self._fail()
        return self.world.leases.get(self.name)

    def put(self, claimed: Claim, until: float) -> Lease:
        self._fail()
        return self.world.swap(self.name, claimed)

    def _fail(self) -> None:
        if self.daemon.cut_off:
            raise Unavailable("lost")
        if self.name != ELECTION and self.daemon.refusal:
            raise self.daemon.refusal


class ModelDaemon:
    """One daemon, turned by hand. A test sets how it is."""

    def __init__(self, world: LeaseWorld, name: str, *, offset: float, services: Services = OURS) -> None:
        self.name = name
        self.blind = self.frozen = self.cut_off = False
        self.sees = True
        """A ready target answers it, at each turn."""
        self.stuck = ""
        self.started = True
        self.refusal: ClusterError | None = None
        self.date: float | None = None
        self.lost_wall = 0.0
        """By how much its monotonic clock stood still."""
        self.events: list[Event] = []
        self.handed: list[float] = []
        """When it handed the Lease over."""
        self._services = services
        self._answered = float("-inf")
        self.world, self._offset = world, offset
        clocks = Clocks(self._monotonic, lambda: world.now, lambda: world.now)
        stores = [_Store(world, self, f"{ELECTION}-observer-{slot}") for slot in range(SLOTS)]
        self.observer = Observer(
            stores, name, self._hear, self._health, clocks, sights=self.sights, ask=self.ask, is_own=self.is_own
        )
        self.elector = LeaderElector(
            _Store(world, self, ELECTION),
            name,
            self._hear,
            lambda: None,
            clocks=clocks,
            timings=LeaseTimings(),
            health=self._health,
            observer=self.observer,
        )

    def sights(self) -> Mapping[str, Sight]:
        """What it sees of hosts, by ``address:port``."""
        return {}

    def ask(self, places: AbstractSet[str]) -> None:
        """Another daemon wants to know of these."""

    def is_own(self, place: str) -> bool:
        """Whether that place is on its machine."""
        return False

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, LeaseHandedOver):
            self.handed.append(self.world.now)

    def _monotonic(self) -> float:
        return self.world.now + self._offset - self.lost_wall

    def _health(self) -> Health:
        if self.sees and not self.blind and not self.stuck:
            self._answered = self._monotonic()
        return Health(self.stuck, self.blind, self.started, self._answered, self._services, self.outlook())

    def outlook(self) -> Outlook:
        """Its ready hosts, and those on which it is outvoted."""
        return NO_OUTLOOK

    @property
    def leads(self) -> bool:
        return self.elector.may_write(self._monotonic())

    def turn(self) -> None:
        if not self.frozen:
            self.observer.step()
            self.elector.step()

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def led(self) -> list[bool]:
        return [
            event.leading for event in self.events if isinstance(event, LeaderChanged) and event.leading != event.led
        ]


def store_in(daemon: ModelDaemon, name: str) -> LeaseStore:
    """The Lease of that name, as this daemon reaches it."""
    return _Store(daemon.world, daemon, name)
