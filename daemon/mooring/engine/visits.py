"""The fresh probes of all targets: let in one after the other, their logins in a small pool."""

from __future__ import annotations

from collections.abc import Callable

from mooring.clocks import Clocks
from mooring.engine.gate import LOGINS, Gate, Place
from mooring.engine.loop import Loop
from mooring.engine.visit import Parked, Visit
from mooring.engine.workers import Workers
from mooring.model import Target
from mooring.protocols.exchange import Entered

PATIENCE_SECONDS = 0.1
"""A host that has not spoken by then gives its place back: a hundred silent ones delay nobody."""

OnEnd = Callable[["Call", Entered], None]


class Call:
    """One visit that was asked for; it may wait at the gate."""

    __slots__ = ("_place", "_visit", "parked")

    def __init__(self, visit: Visit, parked: Parked | None) -> None:
        self._visit = visit
        self._place: Place | None = None
        self.parked = parked
        """A connection that stands and has not spoken: before the visit, one to wait on; after it, one that is left."""

    @property
    def started(self) -> float:
        """Monotonic seconds; 0 while it waits at the gate."""
        return self._visit.started

    def cancel(self) -> None:
        self._visit.cancel()
        self._leave()
        if self.parked is not None:
            self.parked.close()

    def enter(self, gate: Gate, *, urgent: bool) -> None:
        self._place = gate.enter(self._begin, urgent=urgent)

    def leave_if_silent(self) -> None:
        if not self._visit.greeted:
            self._leave()

    def end(self) -> None:
        self.parked = self._visit.park()
        self._leave()

    def _begin(self) -> None:
        parked, self.parked = self.parked, None
        self._visit.begin(parked)

    def _leave(self) -> None:
        if self._place is not None:
            self._place.leave()


class Visits:
    """To be used in the loop only."""

    def __init__(self, loop: Loop, clocks: Clocks) -> None:
        self._loop = loop
        self._clocks = clocks
        self._gate = Gate()
        self._logins = Workers("login", LOGINS)

    def begin(self, target: Target, on_end: OnEnd, *, urgent: bool, parked: Parked | None = None) -> Call:
        """A fresh probe of the target; ``on_end`` is called later, unless the call is cancelled before."""

        def ended(_visit: Visit, entered: Entered) -> None:
            call.end()
            on_end(call, entered)

        def begun() -> None:
            self._loop.at(self._clocks.monotonic() + PATIENCE_SECONDS, call.leave_if_silent)

        call = Call(Visit(target, self._loop, self._logins, self._clocks, on_begin=begun, on_end=ended), parked)
        call.enter(self._gate, urgent=urgent)
        return call
