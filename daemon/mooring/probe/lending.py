"""Lends held sessions to other threads, as to the one that ends the sessions of a demoted primary."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from mooring.model.targets import Target
from mooring.probe.loop import Loop
from mooring.probe.session import close
from mooring.probe.target_state import TargetProbe
from mooring.protocols.exchange import Session, Unfinished

LOOK_SECONDS = 0.05
ANSWER_SECONDS = 1.0
"""How long the loop may take to answer."""


class SessionPool:
    """For any thread but the loop's. While a session is lent, turns are asked by fresh connections."""

    def __init__(self, loop: Loop, probes: Mapping[Target, TargetProbe]) -> None:
        self._loop = loop
        self._probes = probes

    def checkout(self, target: Target, seconds: float) -> Session | None:
        """The session that is held there; the borrower owns it from then on.

        Waits at most so many seconds until all questions under way over it are answered. None: no session is held, a
        question over it has passed its deadline, or the answers did not come in time.
        """
        checkout = _Checkout()
        self._loop.call(lambda: self._checkout(target, checkout))
        return checkout.wait(seconds)

    def checkin(self, target: Target, session: Session) -> None:
        """Gives back a session that is fit for questions, with nothing unread. Never waits.

        Where another is held already, this one is closed.
        """
        self._loop.call(lambda: self._checkin(target, session))

    def wait_for_room(self, target: Target, seconds: float) -> bool:
        """Whether the borrower may log in himself: no login or question of ours is under way there.

        Waits at most so many seconds for that.
        """
        until = time.monotonic() + seconds
        while self._is_busy(target):
            if time.monotonic() >= until:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def await_end(self, target: Target, unfinished: Unfinished) -> None:
        """Takes a connection that has no answer yet: Mooring opens no other there until it has ended. Never waits."""
        self._loop.call(lambda: self._await_end(target, unfinished))

    def _is_busy(self, target: Target) -> bool:
        answered, found = threading.Event(), [True]  # where the engine has ended, nobody answers

        def look() -> None:
            probe = self._probes.get(target)
            found[0] = probe is not None and probe.account.busy
            answered.set()

        self._loop.call(look)
        answered.wait(ANSWER_SECONDS)
        return found[0]

    def _await_end(self, target: Target, unfinished: Unfinished) -> None:
        probe = self._probes.get(target)
        if probe is None:
            unfinished.sock.close()
        else:
            probe.account.await_end(unfinished)

    def _checkout(self, target: Target, checkout: _Checkout) -> None:
        probe = self._probes.get(target)
        if probe is None:
            checkout.hand(None)
        else:
            probe.session.lend(checkout.hand)

    def _checkin(self, target: Target, session: Session) -> None:
        probe = self._probes.get(target)
        if probe is None or probe.session.held:
            close(session)
        else:
            probe.session.offer(session, probe.timings.period)


class _Checkout:
    """Hands a session to a thread that waits for it; one that has given up gets none, and the session stays held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handed = threading.Event()
        self._session: Session | None = None
        self._given_up = False

    def hand(self, session: Session | None) -> bool:
        with self._lock:
            if self._given_up:
                return False
            self._session = session
        self._handed.set()
        return True

    def wait(self, seconds: float) -> Session | None:
        self._handed.wait(seconds)
        with self._lock:
            self._given_up = True
            return self._session
