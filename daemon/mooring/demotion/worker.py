"""Ends the sessions that applications hold on a demoted primary, in threads of its own.

kube-proxy ends no established connection, so a pool would go on using that host.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from mooring.demotion.kill import TIMEOUTS, end_sessions
from mooring.demotion.rules import PATIENCE_SECONDS, Demotion, Demotions, find_demoted
from mooring.judge.store import HealthStore
from mooring.leader.elector import Leadership
from mooring.model.clocks import Clocks
from mooring.model.events import Event, HostChanged, LeaderChanged, Published, SessionsKilled
from mooring.model.targets import Member, Target
from mooring.protocols.exchange import Loan, Session, Unfinished
from mooring.protocols.transport.workers import Workers

HOSTS = 16
"""Hosts on which sessions are ended at a time, so that one that hangs delays no other."""
_UNSEEN = (
    f"no write that takes the host out was seen stored within {PATIENCE_SECONDS:g} s, so traffic may still come there; "
    "no session was ended"
)

_HELD_UP = "it is too late: what Mooring knows of the host is too old by now; no session was ended"
LOAN_SECONDS, LOAN_TIMEOUTS = 1.0, 4
"""How long it waits for a session: so many timeouts of the target, at least so many seconds."""

Place = tuple[str, int]
"""The address and the port of a host."""


class Lender(Protocol):
    """Lends held sessions: a host with too many connections refuses a new login."""

    def checkout(self, target: Target, seconds: float) -> Loan:
        """The held session of the target, or that of a new login, within so many seconds."""

    def checkin(self, target: Target, session: Session | None, unfinished: Unfinished | None = None) -> None:
        """Gives it back, or what became of it; neither: it is closed."""


class DemotionWorker:
    """A listener that notes demotions at once; its own threads end the sessions later.

    A host has one of them at a time, and one that hangs delays no other.
    """

    def __init__(
        self,
        store: HealthStore,
        lender: Lender,
        emit: Callable[[Event], None],
        *,
        clocks: Clocks,
        leadership: Leadership,
    ) -> None:
        self._store = store
        self._lender = lender
        self._emit = emit
        self._now = clocks.monotonic
        self._leadership = leadership
        self._demotions = Demotions()
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._stopping = False
        self._hands = Workers("kill", HOSTS)
        self._lines: dict[Place, deque[Demotion]] = {}
        """The demotions that are due on each host, while one of them is under way."""
        self._thread = threading.Thread(target=self._run, name="demote", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Begins no other host; waits at most so many seconds for those under way."""
        self._stopping = True
        self._wake.set()
        self._thread.join(seconds)
        self.wait(seconds)

    def wait(self, seconds: float) -> bool:
        """Waits at most so many seconds until all that was due is done; returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines, seconds)

    def write(self, event: Event) -> None:
        """Takes an event; never waits."""
        if not isinstance(event, HostChanged | Published | LeaderChanged):
            return
        now = self._now()
        with self._changed:
            if isinstance(event, HostChanged):
                self._demotions.note_verdict(event, now, leads=self._leadership.may_write(now))
            elif isinstance(event, Published):
                self._demotions.note_write(event.change, now)
            elif not event.leading:
                self._demotions.drop_all()
            news = self._demotions.next_at is not None
        if news:
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self.step()
            with self._changed:
                due = self._demotions.next_at
            self._wake.wait(None if due is None else max(0.0, due - self._now()))
            self._wake.clear()

    def step(self) -> None:
        """Begins to end the sessions of each demotion that is due now."""
        with self._changed:
            due = self._demotions.take_due(self._now())
            begun = {_place_of(one) for one in due} - self._lines.keys()
            for one in due:
                self._lines.setdefault(_place_of(one), deque()).append(one)
        for place in begun:
            try:
                self._hands.submit(partial(self._work, place))
            except RuntimeError:  # the process may have no thread more
                self._work(place)

    def _work(self, place: Place) -> None:
        """Ends what is due on one host."""
        while (demotion := self._next(place)) is not None:
            if not self._stopping:
                self._end_demotion(demotion)

    def _next(self, place: Place) -> Demotion | None:
        with self._changed:
            if self._lines[place]:
                return self._lines[place].popleft()
            del self._lines[place]
            self._changed.notify_all()
            return None

    def _end_demotion(self, demotion: Demotion) -> None:
        found = self._find(demotion)
        if found is None:
            return
        member, users = found
        if demotion.stored_at is None:
            self._emit(SessionsKilled(member, users, 0, _UNSEEN))
            return
        target = member.target
        loan = self._lender.checkout(target, max(LOAN_SECONDS, LOAN_TIMEOUTS * target.timeout))
        lapses = self._lapses_now(demotion, member, users)
        if loan.session is not None and lapses:
            self._lender.checkin(target, loan.session)
        elif loan.session is not None:
            self._end_sessions(member, users, loan.session)
        elif not lapses:
            self._emit(SessionsKilled(member, users, 0, f"{loan.error}; no session was ended"))

    def _lapses_now(self, demotion: Demotion, member: Member, users: tuple[str, ...]) -> bool:
        """Whether the demotion has lapsed while a session was waited for, or this thread was held up for long."""
        if self._find(demotion) is None:
            return True
        if self._now() < demotion.due_at + PATIENCE_SECONDS:
            return False
        self._emit(SessionsKilled(member, users, 0, _HELD_UP))
        return True

    def _find(self, demotion: Demotion) -> tuple[Member, tuple[str, ...]] | None:
        """The host as the file lists it now, and whose sessions to end; None: the demotion has lapsed."""
        view = next((one for one in self._store.snapshot() if one.spec.key == demotion.member.service), None)
        member = find_demoted(demotion, view.spec, view.hosts) if view else None
        if view is None or member is None or not self._leadership.may_write(self._now()):
            return None
        return member, view.spec.kill_users

    def _end_sessions(self, member: Member, users: tuple[str, ...], session: Session) -> None:
        target = member.target
        ended = end_sessions(target, session, users, self._now() + TIMEOUTS * target.timeout)
        self._lender.checkin(target, ended.session, ended.unfinished)
        self._emit(SessionsKilled(member, users, ended.count, ended.error))


def _place_of(demotion: Demotion) -> Place:
    target = demotion.member.target
    return target.address, target.port
