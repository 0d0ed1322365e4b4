"""Held sessions, lent to who has more to say to a host than to ask it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from mooring.engine.loop import Loop
from mooring.engine.peer import part
from mooring.engine.seat import Seat
from mooring.model import Target
from mooring.protocols.exchange import Session


class Lending:
    """From any thread but the loop's. While a session is lent, turns are asked by fresh connections."""

    def __init__(self, loop: Loop, seats: Mapping[Target, Seat]) -> None:
        self._loop = loop
        self._seats = seats

    def borrow(self, target: Target, seconds: float) -> Session | None:
        """The session that is held there, the borrower's own from then on: after the answers to what is being asked
        over it, if these come within so many seconds. None: there is none to be had.
        """
        loan = _Loan()
        self._loop.call(lambda: self._borrow(target, loan))
        return loan.wait(seconds)

    def give_back(self, target: Target, session: Session) -> None:
        """The session is fit for questions, with nothing unread; where another is held already, it is left. Does not
        wait.
        """
        self._loop.call(lambda: self._give_back(target, session))

    def _borrow(self, target: Target, loan: _Loan) -> None:
        seat = self._seats.get(target)
        if seat is None:
            loan.hand(None)
        else:
            seat.peer.lend(loan.hand)

    def _give_back(self, target: Target, session: Session) -> None:
        seat = self._seats.get(target)
        if seat is None or seat.peer.held:
            part(session)
        else:
            seat.peer.offer(session, seat.terms.period)


class _Loan:
    """A session on its way to a thread that may give up waiting: then it stays where it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._session: Session | None = None
        self._given_up = False

    def hand(self, session: Session | None) -> bool:
        with self._lock:
            if self._given_up:
                return False
            self._session = session
        self._told.set()
        return True

    def wait(self, seconds: float) -> Session | None:
        self._told.wait(seconds)
        with self._lock:
            self._given_up = True
            return self._session
