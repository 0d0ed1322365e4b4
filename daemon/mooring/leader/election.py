"""Who may write: leader election on a Lease, with the meaning of client-go's package leaderelection.

the Lease | the candidate
--- | ---
does not exist, and no earlier one may still hold | creates it, with itself as the holder
was deleted while this candidate leads | creates it again at once
was deleted while another held it | waits for its remaining time, at most ``LeaseTimings.lease``
has no holder (it was given back) | takes it at once
is held by another, and changed less than its duration ago (at most 60 s) | waits until that time is over
is held by another, and has not changed for its duration | takes it
is held by this candidate | renews it every ``retry`` seconds

``Fitness`` of the candidate | renews its Lease | takes a free Lease
--- | --- | ---
WELL: it sees, or no fresh observer does | yes | yes
BLIND: it is blind while a fresh observer sees | until it may hand over | no
STUCK: a thread of it stands still | no | no
OUTVOTED: most observers see a host that is silent to it | until it may hand over | yes

A leader that is BLIND or STUCK hands the Lease to a daemon that sees, and one that is OUTVOTED to a daemon to which
fewer ready hosts are silent. It stores the name of that daemon as the holder;
that daemon finds its own name there, renews the Lease and leads. So that the Lease does not wander, nobody hands it
over within ``HANDOVER_SECONDS`` of the last handover, and its giver does not get it back for ``REST_SECONDS``.

Each write names the version that the candidate read. So only one of two takers gets the Lease, and a renewal that a
taker has not seen yet stops it. Times are monotonic seconds of this process: when it saw a change, when it began its
renewal. The times inside a Lease are those of another machine, for people to read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mooring.leader.health import Fitness

BELIEVED_SECONDS = 60.0
"""A candidate respects a Lease for this long after its last change at most, whatever its duration."""
HANDOVER_SECONDS = 30.0
REST_SECONDS = 60.0
WRITE_SECONDS = 5.0
"""No write takes longer: so long after the decision to hand over none is under way."""
JITTER = 1.2
"""From client-go: a renewal may be late by this factor, and one more must fit before the deadline."""


@dataclass(frozen=True, slots=True)
class LeaseTimings:
    """Seconds: how long a Lease holds, how long its holder leads without a renewal, how often it tries to renew.

    The time between the first two is for a write under way and for clocks at different speeds.
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
        """The deadline of one request: a second one still fits before ``renew``."""
        return self.renew / 2


@dataclass(frozen=True, slots=True)
class Lease:
    """A stored Lease, or one to store (without a version). ``seconds``: its duration; None: it has none."""

    holder: str
    seconds: float | None
    transitions: int
    acquired: str = ""
    renewed: str = ""
    version: str = ""
    note: str = ""
    """An annotation. On the election's Lease: who handed it over last. On an observer's Lease: its statement."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A write to try: the Lease that it replaces (None: none must exist) and the Lease to store."""

    before: Lease | None
    wanted: Lease


@dataclass(frozen=True, slots=True)
class Election:
    """The state of one candidate."""

    me: str
    timings: LeaseTimings
    held: Lease | None = None
    free_at: float = -math.inf
    """From then on others may take the Lease from its holder."""
    retry_at: float = -math.inf
    until: float = -math.inf
    """This candidate leads, and may write, until then."""
    handed_at: float = -math.inf
    """When this candidate saw the last handover, by anybody."""
    handed_by: str = ""
    yields_at: float = math.inf
    """The moment of a handover that is decided: this candidate writes nothing from then on."""

    def leads(self, now: float) -> bool:
        return now < min(self.until, self.yields_at)

    def rests(self, now: float) -> bool:
        """Whether it handed the Lease over less than ``REST_SECONDS`` ago, and so does not take it back."""
        return self.handed_by == self.me and now < self.handed_at + REST_SECONDS

    @property
    def holder(self) -> str:
        return self.held.holder if self.held else ""


def note_lease(state: Election, found: Lease | None, now: float) -> Election:
    """Takes the stored Lease, as it was last read; None: there is none."""
    if found is None:
        return _note_deletion(state, now)
    if state.held is not None and found.version == state.held.version:
        return state
    if found.note and state.held is not None and found.note != state.held.note:
        # The new holder of a handover renews it at once.
        retry_at = -math.inf if found.holder == state.me else state.retry_at
        state = replace(state, handed_at=now, handed_by=found.note.rpartition("/")[0], retry_at=retry_at)
    lasts = state.timings.lease if found.seconds is None else min(found.seconds, BELIEVED_SECONDS)
    free_at = now + lasts if found.holder else now
    if found.holder == state.me:
        return replace(state, held=found, free_at=free_at)
    return replace(state, held=found, free_at=free_at, retry_at=-math.inf, until=-math.inf, yields_at=math.inf)


def _note_deletion(state: Election, now: float) -> Election:
    """The holder may not have seen the deletion yet: others wait for it, and it creates the Lease again."""
    if state.held is None:
        return state
    retry_at = -math.inf if state.leads(now) else state.retry_at
    return replace(state, held=None, free_at=min(state.free_at, now + state.timings.lease), retry_at=retry_at)


def claim(state: Election, now: float, wall: str, fitness: Fitness = Fitness.WELL) -> Claim | None:
    """The write to try now; None: none. ``wall``: the time of day to show in the Lease."""
    held, seconds = state.held, state.timings.lease
    if now < state.retry_at or fitness is Fitness.STUCK:
        return None
    if held is not None and held.holder == state.me:
        return Claim(held, replace(held, seconds=seconds, renewed=wall))
    leads = state.leads(now)
    if not leads and (now < state.free_at or fitness is Fitness.BLIND):
        return None
    transitions = 0 if held is None else held.transitions + 1
    return Claim(held, Lease(state.me, seconds, transitions, wall, wall))


def consider_handover(state: Election, now: float, *, seen: bool) -> Election:
    """Decides on a handover. ``seen``: this candidate is not WELL, and another daemon sees more."""
    mine = state.held is not None and state.held.holder == state.me
    if not seen or not mine or now < state.handed_at + HANDOVER_SECONDS:
        return replace(state, yields_at=math.inf)
    return replace(state, yields_at=min(state.yields_at, now + WRITE_SECONDS))


def hand_over(state: Election, to: str, now: float, wall: str) -> Claim | None:
    """The write that hands the Lease to ``to``, once no write of the holder is under way; None: not now."""
    held = state.held
    if held is None or not to or now < max(state.yields_at, state.retry_at):
        return None
    transitions = held.transitions + 1
    note = f"{state.me}/{transitions}"
    return Claim(held, Lease(to, state.timings.lease, transitions, wall, wall, held.version, note))


def distrust_renewal(state: Election) -> Election:
    """The clocks disagree on the age of the last renewal: it no longer counts, and the next one is due at once."""
    return replace(state, until=-math.inf, retry_at=-math.inf)


def note_attempt(state: Election, now: float) -> Election:
    """A write began; whatever its result, the next one is due after ``retry`` seconds."""
    return replace(state, retry_at=now + state.timings.retry)


def note_write(state: Election, claimed: Claim, found: Lease, begun: float, now: float) -> Election:
    """The write was stored. This candidate counts from its begin, others from the later moment when they see it.

    A write that changed nothing has no new version, so nobody sees it: it is no renewal, whatever the answer.
    """
    after = note_lease(state, found, now)
    if found.holder != state.me or (claimed.before is not None and found.version == claimed.before.version):
        return after
    return replace(after, until=begun + state.timings.renew)


def give_back(state: Election, wall: str) -> Claim | None:
    """The write by which a holder that ends lets the next one begin at once; None: it holds no Lease."""
    if state.held is None or state.held.holder != state.me:
        return None
    return Claim(state.held, replace(state.held, holder="", seconds=1.0, acquired=wall, renewed=wall))


def next_at(state: Election, now: float) -> float:
    """When this candidate must act next, unless the Lease changes before."""
    mine = state.held is not None and state.held.holder == state.me
    due = state.retry_at if mine or state.leads(now) else max(state.retry_at, state.free_at)
    return min(due, state.until, state.yields_at) if state.leads(now) else due
