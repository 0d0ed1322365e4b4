"""Held sessions, lent to who has more to say to a host than to ask it."""

from __future__ import annotations

from collections.abc import Mapping

from mooring.engine.loop import Loop
from mooring.engine.peer import Borrower, part
from mooring.engine.seat import Seat
from mooring.model import Target
from mooring.protocols.exchange import Session


class Lending:
    """From any thread, and never waits. While a session is lent, turns are asked by fresh connections."""

    def __init__(self, loop: Loop, seats: Mapping[Target, Seat]) -> None:
        self._loop = loop
        self._seats = seats

    def borrow(self, target: Target, borrower: Borrower) -> None:
        """Calls ``borrower`` once, in the loop, within the timeout of what is being asked over that session."""
        self._loop.call(lambda: self._borrow(target, borrower))

    def give_back(self, target: Target, session: Session) -> None:
        """The session is fit for questions, with nothing unread; where another is held already, it is left."""
        self._loop.call(lambda: self._give_back(target, session))

    def _borrow(self, target: Target, borrower: Borrower) -> None:
        seat = self._seats.get(target)
        if seat is None:
            borrower(None)
        else:
            seat.peer.lend(borrower)

    def _give_back(self, target: Target, session: Session) -> None:
        seat = self._seats.get(target)
        if seat is None or seat.peer.held:
            part(session)
        else:
            seat.peer.offer(session, seat.terms.period)
