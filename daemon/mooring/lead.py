"""Whether this Mooring is the one that writes: a candidate for the Lease, in a thread of its own."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from mooring.clocks import Clocks
from mooring.cluster.deadline import before
from mooring.decide.election import Claim, Election, Lease, Timings, claim, given_back, next_at, saw, stored, tried
from mooring.errors import ClusterError, Conflict, Rejected
from mooring.events import Event, LeaderChanged, LeaseFailed

LONGEST_PAUSE_SECONDS = 60.0


class Store(Protocol):
    """Where the Lease is; ``cluster.lease`` has the real one. Every call is bounded in time."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begins to follow the Lease; ``wake`` is called when it changes."""

    def stop(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        """Whether it is known what there is, once it is or after so many seconds."""

    def read(self) -> Lease | None:
        """The Lease as it was last heard of. Raises ClusterError."""

    def put(self, claimed: Claim) -> Lease:
        """Stores a claim. Raises Conflict: it was decided on another Lease; Unavailable, Rejected."""


class Leading(Protocol):
    """What a writer asks."""

    @property
    def until(self) -> float:
        """Writes may be under way before this moment, in monotonic seconds."""

    def may_write(self, now: float) -> bool: ...


class Alone:
    """Without an election."""

    until = math.inf

    def may_write(self, now: float) -> bool:
        return now < self.until


class Lead:
    """One candidate. ``on_lead`` is called when it begins to lead; losing the lease only makes it stand by again."""

    def __init__(
        self,
        store: Store,
        identity: str,
        emit: Callable[[Event], None],
        on_lead: Callable[[], None],
        *,
        clocks: Clocks,
        timings: Timings,
    ) -> None:
        self._store = store
        self._emit = emit
        self._on_lead = on_lead
        self._clocks = clocks
        self._state = Election(identity, timings)
        self._told = (False, "")
        self._failure: type[ClusterError] | None = None
        self._wake = threading.Event()
        self._stopping = False
        self._gives_back = False
        self._thread = threading.Thread(target=self._run, name="lead", daemon=True)

    @property
    def until(self) -> float:
        return self._state.until

    def may_write(self, now: float) -> bool:
        return self._state.leads(now)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float, *, give_back: bool) -> None:
        """Ends within about so many seconds. Give back only what no write of ours is under way for."""
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
        """Looks, tries what there is to try, tells; returns when there will be something to do again."""
        try:
            self._look()
            if claimed := claim(self._state, self._clocks.monotonic(), self._wall()):
                self._try(claimed)
            self._failure = None
        except ClusterError as error:
            self._state = tried(self._state, self._clocks.monotonic())
            self._tell_failure(error)
        self._tell()
        return next_at(self._state, self._clocks.monotonic())

    def _look(self) -> None:
        found = self._store.read()
        self._state = saw(self._state, found, self._clocks.monotonic())

    def _try(self, claimed: Claim) -> None:
        begun = self._clocks.monotonic()
        self._state = tried(self._state, begun)
        try:
            found = self._put(claimed)
        except Conflict:
            # Somebody was faster: what there is now decides.
            self._look()
            return
        self._state = stored(self._state, claimed, found, begun, self._clocks.monotonic())

    def _put(self, claimed: Claim) -> Lease:
        with before(time.monotonic() + self._state.timings.request):
            return self._store.put(claimed)

    def _give_back(self) -> None:
        claimed = given_back(self._state, self._wall())
        self._state = Election(self._state.me, self._state.timings)
        if claimed is None:
            return
        try:
            self._put(claimed)
        except ClusterError as error:
            # It runs out by itself.
            self._tell_failure(error)

    def _tell(self) -> None:
        """Of what has changed since the last time; whoever holds nothing is no news."""
        (led, known), holder = self._told, self._state.holder
        leads = self.may_write(self._clocks.monotonic())
        if leads != led:
            self._emit(LeaderChanged(leads, holder, led))
        elif not leads and holder not in {"", known, self._state.me}:
            self._emit(LeaderChanged(leads, holder))
        self._told = leads, holder or known
        if leads and not led:
            self._on_lead()

    def _tell_failure(self, error: ClusterError) -> None:
        """Once for each kind of failure: the words of a lost connection differ each time."""
        if type(error) is not self._failure:
            self._emit(LeaseFailed(str(error), refused=isinstance(error, Rejected)))
        self._failure = type(error)

    def _wall(self) -> str:
        """A MicroTime (API reference, meta/v1)."""
        return datetime.fromtimestamp(self._clocks.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
