"""The fresh probes of all targets: at most ``LOGINS`` at a time, their logins in a pool of threads."""

from __future__ import annotations

from collections.abc import Callable

from mooring.model.clocks import Clocks
from mooring.model.targets import Target
from mooring.probe.admission import LOGINS, ConnectLimiter, Permit
from mooring.probe.connect import FreshProbe, WaitingConnection
from mooring.probe.loop import Loop
from mooring.protocols.exchange import LoginResult
from mooring.protocols.transport.workers import Workers

PATIENCE_SECONDS = 0.1
"""A host that has sent nothing by then loses its place, so that a hundred silent hosts delay no other."""

OnEnd = Callable[["PendingProbe", LoginResult], None]


class PendingProbe:
    """One fresh probe that was asked for; it may wait for its place."""

    __slots__ = ("_permit", "_probe", "waiting")

    def __init__(self, probe: FreshProbe, waiting: WaitingConnection | None) -> None:
        self._probe = probe
        self._permit: Permit | None = None
        self.waiting = waiting
        """A connection on which the host has sent nothing: before the probe an earlier one's, after it its own."""

    @property
    def started(self) -> float:
        """Monotonic seconds; 0 while it waits for its place."""
        return self._probe.started

    def cancel(self) -> None:
        self._probe.cancel()
        self._leave()
        if self.waiting is not None:
            self.waiting.close()

    def enter(self, limiter: ConnectLimiter, *, urgent: bool) -> None:
        self._permit = limiter.enter(self._begin, urgent=urgent)

    def hurry(self, limiter: ConnectLimiter) -> None:
        """Puts it before those that are not urgent, where it still waits for its place."""
        if not self.started:
            self._leave()
            self.enter(limiter, urgent=True)

    def leave_if_silent(self) -> None:
        if not self._probe.greeted:
            self._leave()

    def end(self) -> None:
        self.waiting = self._probe.park()
        self._leave()

    def _begin(self) -> None:
        waiting, self.waiting = self.waiting, None
        self._probe.begin(waiting)

    def _leave(self) -> None:
        if self._permit is not None:
            self._permit.leave()


class FreshProbes:
    """For the loop's thread only."""

    def __init__(self, loop: Loop, clocks: Clocks) -> None:
        self._loop = loop
        self._clocks = clocks
        self._limiter = ConnectLimiter()
        self._logins = Workers("login", LOGINS)

    def hurry(self, call: PendingProbe) -> None:
        call.hurry(self._limiter)

    def begin(
        self,
        target: Target,
        on_end: OnEnd,
        *,
        urgent: bool,
        waiting: WaitingConnection | None = None,
        abandoned: tuple[int, ...] = (),
    ) -> PendingProbe:
        """Begins a fresh probe of the target; ``on_end`` is called later, unless the probe is cancelled before."""

        def ended(_probe: FreshProbe, login_result: LoginResult) -> None:
            call.end()
            on_end(call, login_result)

        def begun() -> None:
            self._loop.at(self._clocks.monotonic() + PATIENCE_SECONDS, call.leave_if_silent)

        call = PendingProbe(
            FreshProbe(
                target, self._loop, self._logins, self._clocks, on_begin=begun, on_end=ended, abandoned=abandoned
            ),
            waiting,
        )
        call.enter(self._limiter, urgent=urgent)
        return call
