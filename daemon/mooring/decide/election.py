"""Who may write: leader election on a Lease, by the meaning that client-go gives it (its package leaderelection).

What is known of a Lease | what a candidate does
--- | ---
there is none, and none was known that may still hold | makes it, with itself as the holder
its holder is empty (given back) | takes it at once
its holder is another, and it changed less than its duration ago | waits until then
its holder is another, and it did not change for so long | takes it
its holder is this candidate | renews it every ``retry`` seconds

Every write names the version that was read, so of two who take it one gets it, and a renewal that nobody has seen yet
stops a taker. Times are monotonic seconds of this process: when *we* saw a change, when *our* renewal was begun. Those
that stand in a Lease are another machine's, for people to read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

JITTER = 1.2
"""Of client-go: a renewal may be late by this factor, and one more must fit before the deadline."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds: how long a lease holds, how long its holder goes on without renewing it, how often that is tried.

    What is between the first two is for a write under way and for clocks that do not run alike.
    """

    lease: float = 15.0
    renew: float = 10.0
    retry: float = 2.0

    def __post_init__(self) -> None:
        if not self.lease > self.renew > JITTER * self.retry > 0:
            raise ValueError(f"lease > renew > {JITTER} x retry > 0 must hold, is {self}")
        if self.lease != int(self.lease):
            raise ValueError(f"a Lease holds whole seconds, is {self}")

    @property
    def request(self) -> float:
        """The longest that one request may take: a second one has its time before the deadline."""
        return self.renew / 2


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease as it is stored, or as it shall be (no version yet); ``seconds`` is None where it says none."""

    holder: str
    seconds: float | None
    transitions: int
    acquired: str = ""
    renewed: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A write to try: the Lease that it is decided on (None: there must be none) and what shall be stored."""

    before: Lease | None
    wanted: Lease


@dataclass(frozen=True, slots=True)
class Election:
    """All that one candidate knows."""

    me: str
    timings: Timings
    held: Lease | None = None
    free_at: float = -math.inf
    """From when on the Lease may be taken from its holder."""
    retry_at: float = -math.inf
    until: float = -math.inf
    """This candidate leads, and may write, before this moment."""

    def leads(self, now: float) -> bool:
        return now < self.until

    @property
    def holder(self) -> str:
        return self.held.holder if self.held else ""


def saw(state: Election, found: Lease | None, now: float) -> Election:
    """What is stored, as it was last heard of."""
    if found is None:
        # A holder whose Lease was deleted is waited for nevertheless: it may not know yet.
        return replace(state, held=None)
    if state.held is not None and found.version == state.held.version:
        return state
    lasts = state.timings.lease if found.seconds is None else found.seconds
    free_at = now + lasts if found.holder else now
    if found.holder == state.me:
        return replace(state, held=found, free_at=free_at)
    return replace(state, held=found, free_at=free_at, retry_at=-math.inf, until=-math.inf)


def claim(state: Election, now: float, wall: str) -> Claim | None:
    """The write to try now, if any; ``wall`` is the time that it tells to others."""
    held, seconds = state.held, state.timings.lease
    if now < state.retry_at:
        return None
    if held is not None and held.holder == state.me:
        return Claim(held, replace(held, seconds=seconds, renewed=wall))
    if now < state.free_at and not state.leads(now):
        return None
    transitions = 0 if held is None else held.transitions + 1
    return Claim(held, Lease(state.me, seconds, transitions, wall, wall))


def tried(state: Election, now: float) -> Election:
    """A write was begun; whatever becomes of it, the next one has time."""
    return replace(state, retry_at=now + state.timings.retry)


def stored(state: Election, claimed: Claim, found: Lease, begun: float, now: float) -> Election:
    """The write was stored. Others count from when they see it, which is after it was begun.

    A write that changed nothing has no new version, and nobody sees it: no renewal, however it was answered.
    """
    after = saw(state, found, now)
    if found.holder != state.me or (claimed.before is not None and found.version == claimed.before.version):
        return after
    return replace(after, until=begun + state.timings.renew)


def given_back(state: Election, wall: str) -> Claim | None:
    """The write by which a holder that ends lets the next one begin at once; None where it holds nothing."""
    if state.held is None or state.held.holder != state.me:
        return None
    return Claim(state.held, replace(state.held, holder="", seconds=1.0, acquired=wall, renewed=wall))


def next_at(state: Election, now: float) -> float:
    """When there will be something to do, if nothing is heard until then."""
    mine = state.held is not None and state.held.holder == state.me
    due = state.retry_at if mine or state.leads(now) else max(state.retry_at, state.free_at)
    return min(due, state.until) if state.leads(now) else due
