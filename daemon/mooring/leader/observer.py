"""Holds this daemon's observer Lease and reads those of the others, in a thread of its own so that no renewal waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from mooring.leader.ballot import Ballot, make_ballot, note_questions, to_probe
from mooring.leader.election import Claim
from mooring.leader.health import Health
from mooring.leader.installation import NO_SERVICES, Comparison, Services, compare
from mooring.leader.store import LeaseStore
from mooring.leader.successor import find_better, note_outlook
from mooring.leader.vantage import (
    Vantage,
    ballots,
    find_seer,
    give_back,
    is_spare,
    make_statement,
    next_write,
    note_attempt,
    note_health,
    note_leases,
    note_write,
    others_see,
    votes,
)
from mooring.model.clocks import Clocks
from mooring.model.errors import ClusterError, Conflict, Rejected
from mooring.model.events import Event
from mooring.model.lease_events import LeaseShared, ObserverFailed, ObserverSpare
from mooring.model.moments import rfc3339
from mooring.model.silence import ALONE, Sight, Votes

TURN_SECONDS = 0.5
REFUSED_SECONDS = 30.0
"""How long the next try waits where the service account has no right on observer Leases."""
REQUEST_SECONDS = 3.0


class Observer:
    """One daemon among the observers; ``stores`` are those of all observer Leases, in the order of the slots.

    Its public queries read its state and never wait. ``sights``: what this daemon sees of the hosts on whose silence
    observers are asked, by ``address:port``; ``ask`` probes such places once more; ``is_own``: the place is on this
    machine, where silence and answers say nothing of the network.
    """

    rests = False
    """Goes into the statement: this daemon handed the Lease over a short while ago."""

    def __init__(
        self,
        stores: Sequence[LeaseStore],
        identity: str,
        emit: Callable[[Event], None],
        health: Callable[[], Health],
        clocks: Clocks,
        *,
        sights: Callable[[], Mapping[str, Sight]] = dict,
        ask: Callable[[AbstractSet[str]], None] = lambda _places: None,
        is_own: Callable[[str], bool] = lambda _place: False,
    ) -> None:
        self._stores = stores
        self._sights, self._ask, self._is_own = sights, ask, is_own
        self._emit = emit
        self._health = health
        self._clocks = clocks
        self._state = Vantage(identity)
        self._services = NO_SERVICES
        """Of our file, as of the last step."""
        self._comparison = Comparison()
        self._pause_until = 0.0
        self._refused = self._spare = False
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def others_see(self, services: Services) -> bool:
        """Whether this daemon is in trouble while a fresh observer sees."""
        return others_see(self._state, services, self._clocks.monotonic())

    def find_seer(self, services: Services, seconds: float) -> str:
        """The identity of an observer that has stated for so long that it sees; empty: none."""
        return find_seer(self._state, services, self._clocks.monotonic(), seconds)

    def find_better(self, seconds: float) -> str:
        """The identity of an observer that has seen more than this outvoted daemon for so long; empty: none."""
        return find_better(self._state, self._clocks.monotonic(), seconds)

    def votes(self, place: str, number: int) -> Votes:
        """What the others say of our silence of that number at ``address:port``. The caller may hold any lock."""
        if self._refused:
            return ALONE
        return votes(self._state, self._services, place, number, self._clocks.monotonic())

    @property
    def shares_lease(self) -> bool:
        """Whether a daemon of another installation uses the same Lease, and this was reported."""
        return bool(self._comparison.reported)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Begins to give the slot back; does not wait."""
        self._stopping = True
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """Gives the slot back; ends within about so many seconds."""
        self.end()
        self._thread.join(seconds)
        for store in self._stores:
            store.stop()

    def _run(self) -> None:
        for store in self._stores:
            store.start(self._wake.set)
        while not self._stopping:
            self.step()
            self._wake.wait(TURN_SECONDS)
            self._wake.clear()
        self._give_back()

    def step(self) -> None:
        """Reads the statements of the others, and publishes its own when that is due."""
        health, now = self._health(), self._clocks.monotonic()
        self._state, self._services = note_health(self._state, health), health.services
        silences = {place: one.silence for place, one in self._sights().items()} if health.outlook.outvoted else {}
        self._state = note_outlook(self._state, health.services, health.outlook, silences, now)
        if now < self._pause_until:
            return
        try:
            found = tuple(store.read() for store in self._stores)
            now = self._clocks.monotonic()  # a probe that began while this thread was held up is no answer to them
            self._state = note_leases(self._state, found, now)
            self._compare(health.services, now)
            mine = make_statement(self._state, health, now, rests=self.rests, ballot=self._ballot(health, now))
            if due := next_write(self._state, mine, now, wall(self._clocks)):
                self._put(*due)
        except Rejected as error:
            self._report_refusal(error)
        except ClusterError:
            # The election itself reports an API server that does not answer.
            return
        else:
            self._refused = False
            self._report_spare(now)

    def _ballot(self, health: Health, now: float) -> Ballot:
        """Takes what others ask, asks the hosts that nobody has asked for it yet, and returns the answers."""
        sights = self._sights()
        booth = note_questions(self._state.booth, ballots(self._state, health.services, now), now)
        booth, due = to_probe(booth, sights)
        self._state = replace(self._state, booth=booth)
        if due:
            self._ask(due)
        able = health.started and not self._state.trouble
        return make_ballot(booth, sights, able=able, is_own=self._is_own)

    def _put(self, at: int, claimed: Claim) -> None:
        begun = self._clocks.monotonic()
        self._state = note_attempt(self._state, begun)
        try:
            found = self._stores[at].put(claimed, begun + REQUEST_SECONDS)
        except Conflict:
            # Another daemon was faster; the store has its Lease by now.
            return
        self._state = note_write(self._state, at, found, begun, self._clocks.monotonic())

    def _give_back(self) -> None:
        due = give_back(self._state, wall(self._clocks))
        if due is None:
            return
        at, claimed = due
        try:
            self._stores[at].put(claimed, self._clocks.monotonic() + REQUEST_SECONDS)
        except ClusterError:
            # The Lease runs out by itself.
            return

    def _compare(self, mine: Services, now: float) -> None:
        others = {slot.lease.holder: slot.statement.services for slot in self._state.fresh(now) if slot.lease}
        self._comparison, news = compare(self._comparison, mine, others, now)
        for other, why in news.items():
            self._emit(LeaseShared(other, why))

    def _report_refusal(self, error: Rejected) -> None:
        """Reports a refusal once. The next try comes after a while, in case the right was granted meanwhile."""
        self._pause_until = self._clocks.monotonic() + REFUSED_SECONDS
        if not self._refused:
            self._emit(ObserverFailed(str(error)))
        self._refused = True

    def _report_spare(self, now: float) -> None:
        found = is_spare(self._state, now)
        if found and not self._spare:
            holders = sorted(slot.lease.holder for slot in self._state.slots if slot.lease)
            self._emit(ObserverSpare(tuple(holders)))
        self._spare = found


def wall(clocks: Clocks) -> str:
    """A MicroTime (API reference, meta/v1)."""
    return rfc3339(clocks.wall(), 6)
