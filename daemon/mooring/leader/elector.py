"""This daemon's candidate for the Lease, in a thread of its own: whether this Mooring may write."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Protocol

from mooring.leader.election import (
    BELIEVED_SECONDS,
    Claim,
    Election,
    Lease,
    LeaseTimings,
    claim,
    consider_handover,
    distrust_renewal,
    give_back,
    hand_over,
    next_at,
    note_attempt,
    note_lease,
    note_write,
)
from mooring.leader.health import Fitness, Health, fitness
from mooring.leader.instant import Instant, elapsed
from mooring.leader.observer import Observer, wall
from mooring.leader.store import LeaseStore
from mooring.leader.vantage import SEES_SECONDS
from mooring.model.clocks import Clocks
from mooring.model.errors import ClusterError, Conflict, Rejected
from mooring.model.events import Event, LeaderChanged, LeaseFailed
from mooring.model.lease_events import ClocksDisagree, LeaseAbsurd, LeaseHandedOver

LONGEST_PAUSE_SECONDS = 60.0
TROUBLED_PAUSE_SECONDS = 0.5
"""How long a daemon that is blind, stuck or outvoted waits before it looks again."""
MOST_NAMED = 3
WELL = Health()


class Leadership(Protocol):
    """What a writer needs to know of the election."""

    @property
    def until(self) -> float:
        """Writes must end before then, in monotonic seconds."""

    def may_write(self, now: float) -> bool: ...


class NoElection:
    """Leadership without an election: this Mooring always writes."""

    until = math.inf

    def may_write(self, now: float) -> bool:
        return now < self.until


class LeaderElector:
    """One candidate. It calls ``on_lead`` when it begins to lead; when it loses the Lease it is a standby again.

    ``health`` returns the present health of this daemon. ``observer`` knows what the others see; None: no observers.
    """

    def __init__(
        self,
        store: LeaseStore,
        identity: str,
        emit: Callable[[Event], None],
        on_lead: Callable[[], None],
        *,
        clocks: Clocks,
        timings: LeaseTimings,
        health: Callable[[], Health] = lambda: WELL,
        observer: Observer | None = None,
    ) -> None:
        self._store = store
        self._emit = emit
        self._on_lead = on_lead
        self._clocks = clocks
        self._health = health
        self._observer = observer
        self._state = Election(identity, timings)
        self._renewed: Instant | None = None
        self._reported = (False, "")
        self._absurd = ""
        self._failure: type[ClusterError] | None = None
        self._wake = threading.Event()
        self._stopping = False
        self._gives_back = False
        self._thread = threading.Thread(target=self._run, name="lead", daemon=True)

    @property
    def until(self) -> float:
        return min(self._state.until, self._state.yields_at)

    @property
    def holder(self) -> str:
        """The holder of the Lease as last read; empty: no holder is known."""
        return self._state.holder

    def may_write(self, now: float) -> bool:
        return self._state.leads(now) and self._age(now) < self._state.timings.renew

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float, *, give_back: bool) -> None:
        """Ends within about so many seconds. ``give_back`` only while no write of ours is under way."""
        self._gives_back = give_back
        self._stopping = True
        self._wake.set()
        self._thread.join(seconds)
        self._store.stop()

    def _run(self) -> None:
        self._store.start(self._wake.set)
        self._store.wait(self._state.timings.retry)
        while not self._stopping:
            due = self.step()
            self._wake.wait(min(max(0.0, due - self._clocks.monotonic()), LONGEST_PAUSE_SECONDS))
            self._wake.clear()
        if self._gives_back:
            self._give_back()

    def step(self) -> float:
        """Reads the Lease, tries the write that is due, reports; returns when to run again (monotonic seconds)."""
        health = self._health()
        fit = fitness(health, others_see=self._others_see(health))
        try:
            self._look()
            self._check_clocks()
            if not self._hand_over(health, fit) and (due := self._claim(fit)):
                self._try(due)
            self._failure = None
        except ClusterError as error:
            self._state = note_attempt(self._state, self._clocks.monotonic())
            self._report_failure(error)
        self._report_leadership()
        return self._next_at(health)

    def _others_see(self, health: Health) -> bool:
        return self._observer is not None and self._observer.others_see(health.services)

    def _next_at(self, health: Health) -> float:
        """A daemon in trouble looks often, but does not spin on a write that it may not make."""
        now = self._clocks.monotonic()
        due = next_at(self._state, now)
        troubled = health.blind or health.stuck or health.outlook.outvoted
        return now + TROUBLED_PAUSE_SECONDS if troubled else due

    def _look(self) -> None:
        found = self._store.read()
        self._state = note_lease(self._state, found, self._clocks.monotonic())
        self._report_absurd(found)
        if self._observer is not None:
            self._observer.rests = self._state.rests(self._clocks.monotonic())

    def _report_absurd(self, found: Lease | None) -> None:
        """Reports once each holder whose Lease has an absurd duration."""
        absurd = found.holder if found and (found.seconds or 0.0) > BELIEVED_SECONDS else ""
        if found and absurd and absurd != self._absurd:
            self._emit(LeaseAbsurd(absurd, found.seconds or 0.0, BELIEVED_SECONDS))
        self._absurd = absurd

    def _check_clocks(self) -> None:
        """A clock that stood still hides that the Lease ran out: the leader renews it before it writes again."""
        now = self._clocks.monotonic()
        if self._state.leads(now) and (age := self._age(now)) >= self._state.timings.renew:
            self._state = distrust_renewal(self._state)
            self._emit(ClocksDisagree(age))

    def _age(self, now: float) -> float:
        """The age of the last renewal in seconds, by the clock that makes it oldest."""
        return 0.0 if self._renewed is None else elapsed(self._renewed, self._instant(now))

    def _instant(self, now: float) -> Instant:
        return Instant(now, self._clocks.boot(), self._clocks.wall(), self._store.date())

    def _claim(self, fit: Fitness) -> Claim | None:
        return claim(self._state, self._clocks.monotonic(), wall(self._clocks), fit)

    def _hand_over(self, health: Health, fit: Fitness) -> bool:
        """Tries a handover that is due. Returns whether it tried."""
        seen = bool(self._find_successor(health, fit, 0.0))
        self._state = consider_handover(self._state, self._clocks.monotonic(), seen=seen)
        to = self._find_successor(health, fit, SEES_SECONDS) if seen else ""
        due = hand_over(self._state, to, self._clocks.monotonic(), wall(self._clocks))
        if due is None:
            return False
        self._try(due)
        if self._state.holder == to:
            self._emit(LeaseHandedOver(to, _in_words(health, fit)))
        return True

    def _find_successor(self, health: Health, fit: Fitness, seconds: float) -> str:
        """The daemon to hand the Lease to, if it has seen more than this one for so long; empty: none."""
        if self._observer is None or fit is Fitness.WELL:
            return ""
        if fit is Fitness.OUTVOTED:
            return self._observer.find_better(seconds)
        return self._observer.find_seer(health.services, seconds)

    def _try(self, due: Claim) -> None:
        begun = self._instant(self._clocks.monotonic())
        self._state = note_attempt(self._state, begun.monotonic)
        try:
            found = self._put(due)
        except Conflict:
            # Another candidate was faster: read its Lease.
            self._look()
            return
        before = self._state.until
        self._state = note_write(self._state, due, found, begun.monotonic, self._clocks.monotonic())
        if self._state.until != before:
            self._renewed = Instant(begun.monotonic, begun.boot, begun.wall, self._store.date())

    def _put(self, due: Claim) -> Lease:
        return self._store.put(due, self._clocks.monotonic() + self._state.timings.request)

    def _give_back(self) -> None:
        due = give_back(self._state, wall(self._clocks))
        self._state = Election(self._state.me, self._state.timings)
        if due is None:
            return
        try:
            self._put(due)
        except ClusterError as error:
            # The Lease runs out by itself.
            self._report_failure(error)

    def _report_leadership(self) -> None:
        """Reports a change of leadership or of the known holder; a Lease without a holder is no change."""
        (led, known), holder = self._reported, self._state.holder
        leads = self.may_write(self._clocks.monotonic())
        if leads != led:
            self._emit(LeaderChanged(leads, holder, led))
        elif not leads and holder not in {"", known, self._state.me}:
            self._emit(LeaderChanged(leads, holder))
        self._reported = leads, holder or known
        if leads and not led:
            self._on_lead()

    def _report_failure(self, error: ClusterError) -> None:
        """Reports once for each class of failure: the message of a lost connection differs each time."""
        if type(error) is not self._failure:
            self._emit(LeaseFailed(str(error), refused=isinstance(error, Rejected)))
        self._failure = type(error)


def _in_words(health: Health, fit: Fitness) -> str:
    """Why it hands the Lease over."""
    if fit is Fitness.OUTVOTED:
        places = sorted(health.outlook.outvoted)
        more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
        return f"it is outvoted on {', '.join(places[:MOST_NAMED])}{more}"
    return health.stuck or "it is blind"
