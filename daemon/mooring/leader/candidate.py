"""One daemon in the election: its elector for the Lease and its observer Lease, or neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from mooring.leader.election import LeaseTimings
from mooring.leader.elector import LeaderElector, Leadership, NoElection
from mooring.leader.health import Health
from mooring.leader.observer import Observer
from mooring.leader.store import LeaseStore
from mooring.model.clocks import Clocks
from mooring.model.events import Event
from mooring.model.silence import ALONE, Sight, Votes

OBSERVER_STOP_SECONDS = 0.1


class Candidate:
    """The elector and the observer of one daemon. Without ``lease`` there is no election: this daemon always writes."""

    def __init__(
        self,
        lease: LeaseStore | None,
        observers: Sequence[LeaseStore],
        identity: str,
        emit: Callable[[Event], None],
        on_lead: Callable[[], None],
        *,
        clocks: Clocks,
        timings: LeaseTimings,
        health: Callable[[], Health],
        sights: Callable[[], Mapping[str, Sight]] = dict,
        ask: Callable[[AbstractSet[str]], None] = lambda _places: None,
        is_own: Callable[[str], bool] = lambda _place: False,
    ) -> None:
        """``sights``, ``ask`` and ``is_own`` as of ``Observer``."""
        self._observer = (
            Observer(observers, identity, emit, health, clocks, sights=sights, ask=ask, is_own=is_own)
            if observers
            else None
        )
        self._elector = lease and LeaderElector(
            lease, identity, emit, on_lead, clocks=clocks, timings=timings, health=health, observer=self._observer
        )
        self.leadership: Leadership = self._elector or NoElection()

    @property
    def holder(self) -> str:
        """The holder of the Lease as last read; empty: no holder is known."""
        return self._elector.holder if self._elector else ""

    def shares_lease(self) -> bool:
        """Whether another installation holds the same Lease by accident."""
        return self._observer is not None and self._observer.shares_lease

    def votes(self, place: str, number: int) -> Votes:
        """What the observers say of our silence of that number at ``address:port``; without them nobody else votes."""
        return self._observer.votes(place, number) if self._observer else ALONE

    def start(self) -> None:
        if self._elector:
            self._elector.start()
        if self._observer:
            self._observer.start()

    def end(self) -> None:
        """Begins to give the observer slot back; does not wait."""
        if self._observer:
            self._observer.end()

    def stop(self, seconds: float, *, give_back: bool) -> None:
        """Ends within about so many seconds. ``give_back`` only while no write of ours is under way."""
        if self._elector:
            self._elector.stop(seconds, give_back=give_back)
        if self._observer:
            self._observer.stop(OBSERVER_STOP_SECONDS)
