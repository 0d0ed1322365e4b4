"""Ends the sessions that applications hold to a primary that was demoted, in a thread of its own.

No proxy ends a connection that stands: a pool would go on writing, or failing to, at the host that it once reached.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from mooring.board import Board
from mooring.clocks import Clocks
from mooring.decide.demotion import PATIENCE_SECONDS, Demotion, Demotions, subject
from mooring.events import Event, HostChanged, LeaderChanged, Published, SessionsKilled
from mooring.lead import Leading
from mooring.model import Member, Target
from mooring.protocols.exchange import Session
from mooring.protocols.kill import end_sessions

_LATE = (
    f"no write that takes the host out was seen stored within {PATIENCE_SECONDS:g} s, so traffic may still come there; "
    "no session was ended"
)


class Lender(Protocol):
    """Who holds sessions: on a host that is full, nobody else gets in."""

    def borrow(self, target: Target, seconds: float) -> Session | None:
        """The session held there, if it is to be had within so many seconds."""

    def give_back(self, target: Target, session: Session) -> None: ...


class Demote:
    """A listener; what it does about what it hears, it does later, one host after the other."""

    def __init__(
        self, board: Board, lender: Lender, emit: Callable[[Event], None], *, clocks: Clocks, lead: Leading
    ) -> None:
        self._board = board
        self._lender = lender
        self._emit = emit
        self._now = clocks.monotonic
        self._lead = lead
        self._demotions = Demotions()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="demote", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Begins no more; waits at most so many seconds for the one under way."""
        self._stopping = True
        self._wake.set()
        self._thread.join(seconds)

    def write(self, event: Event) -> None:
        """Never waits."""
        if not isinstance(event, HostChanged | Published | LeaderChanged):
            return
        now = self._now()
        with self._lock:
            if isinstance(event, HostChanged):
                self._demotions.heard(event, now, leads=self._lead.may_write(now))
            elif isinstance(event, Published):
                self._demotions.stored(event.change, now)
            elif not event.leading:
                self._demotions.lapse()
            news = self._demotions.next_at is not None
        if news:
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self.step()
            with self._lock:
                due = self._demotions.next_at
            self._wake.wait(None if due is None else max(0.0, due - self._now()))
            self._wake.clear()

    def step(self) -> None:
        """Does what is due now."""
        with self._lock:
            due = self._demotions.due(self._now())
        for demotion in due:
            if not self._stopping:
                self._act(demotion)

    def _act(self, demotion: Demotion) -> None:
        view = next((one for one in self._board.snapshot() if one.spec.key == demotion.member.service), None)
        member = subject(demotion, view.spec, view.hosts) if view else None
        if view is None or member is None or not self._lead.may_write(self._now()):
            return
        users = view.spec.kill_users
        if demotion.stored_at is None:
            self._emit(SessionsKilled(member, users, 0, _LATE))
        else:
            self._emit(self._ended(member, users))

    def _ended(self, member: Member, users: tuple[str, ...]) -> SessionsKilled:
        target = member.target
        session = self._lender.borrow(target, 2 * target.timeout)
        ended = end_sessions(target, session, users)
        if ended.session is not None:
            self._lender.give_back(target, ended.session)
        return SessionsKilled(member, users, ended.count, ended.error)
