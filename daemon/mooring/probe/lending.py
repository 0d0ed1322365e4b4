"""Lends held sessions to other threads, as to the one that ends the sessions of a demoted primary."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from mooring.model.targets import Target
from mooring.probe.account import Account
from mooring.probe.loop import Loop
from mooring.probe.session import close
from mooring.probe.target_state import TargetProbe
from mooring.protocols.exchange import Loan, LoginResult, Session, Unfinished

LOOK_SECONDS = 0.05
_NOT_NOW = Loan(None)
_HANGS = Loan(None, "an earlier login or question of Mooring has not ended there")
_UNKNOWN = Loan(None, "Mooring does not probe it any more")


class SessionPool:
    """For any thread but the loop's. While a session is lent, turns are asked by fresh connections."""

    def __init__(self, loop: Loop, probes: Mapping[Target, TargetProbe], now: Callable[[], float]) -> None:
        self._loop = loop
        self._probes = probes
        self._now = now

    def checkout(self, target: Target, seconds: float) -> Loan:
        """The session that is held there, or where none is, that of a login like each other of the account.

        Waits at most so many seconds until questions and logins under way have ended. ``checkin`` ends a loan that has
        a session.
        """
        until = time.monotonic() + seconds
        while True:
            checkout = _Checkout()
            self._loop.call(partial(self._lend, target, checkout))
            loan = checkout.wait(until - time.monotonic())
            if loan.session is not None or loan.error:
                return loan
            if time.monotonic() >= until:
                return _HANGS
            time.sleep(LOOK_SECONDS)

    def checkin(self, target: Target, session: Session | None, unfinished: Unfinished | None = None) -> None:
        """Ends a loan; never waits. ``session``: what was lent, fit for questions, with nothing unread.

        ``unfinished``: what was lent, if it has no answer yet: it counts as under way until it has ended. Neither:
        the borrower has closed it.
        """
        self._loop.call(lambda: self._checkin(target, session, unfinished))

    def _lend(self, target: Target, checkout: _Checkout) -> None:
        probe, now = self._probes.get(target), self._now()
        if probe is None:
            checkout.hand(_UNKNOWN)
        elif probe.account.lent(now):
            checkout.hand(_NOT_NOW)
        elif probe.session.ready:
            probe.account.lend(checkout.hand)
        elif not probe.account.may_log_in(now):
            refusal = probe.account.backoff.refusal
            checkout.hand(Loan(None, f"no login: {refusal.message if refusal else 'TLS fails'}"))
        elif not probe.account.make_room(now):
            checkout.hand(_NOT_NOW)
        else:
            probe.account.open(target, lambda _, result: _lend_new(probe.account, checkout, result), urgent=True)

    def _checkin(self, target: Target, session: Session | None, unfinished: Unfinished | None) -> None:
        probe = self._probes.get(target)
        if probe is not None:
            probe.account.take_back(session, unfinished)
        elif session is not None:
            close(session)
        elif unfinished is not None:
            unfinished.sock.close()


def _lend_new(account: Account, checkout: _Checkout, result: LoginResult) -> None:
    """The account holds the new session already: whoever borrows it, waits as for any other."""
    if result.session is not None:
        account.lend(checkout.hand)
    else:
        checkout.hand(Loan(None, f"no login: {result.observation.message}"))


class _Checkout:
    """Hands a session to a thread that waits for it; one that has given up gets none, and the session stays held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handed = threading.Event()
        self._loan = _NOT_NOW
        self._given_up = False

    def hand(self, loan: Loan) -> bool:
        with self._lock:
            if self._given_up:
                return False
            self._loan = loan
        self._handed.set()
        return True

    def wait(self, seconds: float) -> Loan:
        self._handed.wait(max(0.0, seconds))
        with self._lock:
            self._given_up = True
            return self._loan
