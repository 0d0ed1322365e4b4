"""Observer Leases: by these the daemons of one installation learn who of them can see the databases.

Each daemon holds one of the Leases ``LEASE_NAME-observer-0`` to ``-4`` and renews it. An annotation has its statement:

- *trouble*: a token of its own, a new one each time that it turns blind or a thread of it stands still; empty while it
  is well. With it the daemon asks the others whether they see.
- *sees*: tokens of others that it answers. It answers a token once a ready target answers a probe that it began after
  it first read the token, so nobody compares two clocks. A daemon that is blind, stuck or just started answers none.
- *rests*: it handed the Lease over a short while ago, and does not take it back.
- *ballot*: which hosts are silent to it, and what it answers others on the silence of theirs (``leader.ballot``).
- *services*: a sketch of its file, by which two installations that share one Lease notice each other.

An observer Lease is *fresh* while the reader has seen it change within ``FRESH_SECONDS``, by the reader's own clock.
All times are monotonic seconds of this process.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mooring.leader.ballot import EMPTY, Ballot, Booth, ballot_from_json, count
from mooring.leader.election import Claim, Lease
from mooring.leader.health import Health
from mooring.leader.installation import NO_SERVICES, Services, are_disjoint, from_json
from mooring.model.silence import ALONE, Votes

SLOTS = 5
FRESH_SECONDS = 12.0
STALE_SECONDS = 15.0
"""A daemon may take a slot that its holder has not renewed for so long."""
RENEW_SECONDS = 4.0
RETRY_SECONDS = 1.0
SEES_SECONDS = 3.0
"""How long an observer must state that it sees before it gets the Lease."""
JOIN_SECONDS = 6.0
"""After the API server was away, others need so long to read what this daemon states, and to answer."""
MOST_NOTE = 16384
"""Characters of an annotation; a longer one is ignored."""
_MOST_TOKEN = 512


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement of a daemon in its observer Lease."""

    trouble: str = ""
    sees: frozenset[str] = frozenset()
    rests: bool = False
    services: Services = NO_SERVICES
    ballot: Ballot = EMPTY


def statement_json(statement: Statement) -> str:
    """The annotation; equal statements give equal texts."""
    facts = {
        "rests": statement.rests,
        "sees": sorted(statement.sees),
        "services": statement.services.as_json(),
        "trouble": statement.trouble,
    }
    if ballot := statement.ballot.as_json():
        facts["ballot"] = ballot
    return json.dumps(facts, sort_keys=True)


def parse_statement(note: str) -> Statement:
    """The statement in an annotation; anything malformed is an empty one."""
    try:
        found: Any = json.loads(note) if len(note) <= MOST_NOTE else {}
    except (ValueError, RecursionError):
        return Statement()
    if not isinstance(found, dict):
        return Statement()
    trouble, sees = found.get("trouble"), found.get("sees")
    return Statement(
        trouble=trouble[:_MOST_TOKEN] if isinstance(trouble, str) else "",
        sees=frozenset(one for one in sees[:SLOTS] if isinstance(one, str)) if isinstance(sees, list) else frozenset(),
        rests=found.get("rests") is True,
        services=from_json(found.get("services")),
        ballot=ballot_from_json(found.get("ballot")),
    )


@dataclass(frozen=True, slots=True)
class Slot:
    """One observer Lease as this daemon knows it."""

    lease: Lease | None = None
    statement: Statement = Statement()
    read_at: float = math.inf
    """When this content was first read; infinity: the slot was not read yet."""
    changed_at: float = -math.inf
    """When this daemon last saw it change; the content of its first read is no change."""
    sees_since: float = math.inf
    """Since when its statement answers our present trouble; infinity: it does not."""


@dataclass(frozen=True, slots=True)
class Vantage:
    """The state of one daemon among the observers."""

    me: str
    slots: tuple[Slot, ...] = (Slot(),) * SLOTS
    trouble: str = ""
    troubles: int = 0
    tokens: dict[str, float] = field(default_factory=dict)
    """When each token of another that is in trouble now was first read."""
    booth: Booth = field(default_factory=Booth)
    renewed_at: float = -math.inf
    tried_at: float = -math.inf
    joined_at: float = -math.inf
    """When it last stored its statement after it had not for ``FRESH_SECONDS``."""
    better: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """The observers that see more than this daemon, which is outvoted: since when, and how few hosts are silent to
    each; by identity (``leader.successor``)."""

    @property
    def slot(self) -> int | None:
        """The number of our own slot; None: we hold none."""
        return next((at for at, slot in enumerate(self.slots) if slot.lease and slot.lease.holder == self.me), None)

    def fresh(self, now: float) -> tuple[Slot, ...]:
        """The fresh observer Leases of others."""
        return tuple(
            slot
            for slot in self.slots
            if slot.lease and slot.lease.holder not in {"", self.me} and now - slot.changed_at <= FRESH_SECONDS
        )


def note_leases(state: Vantage, found: tuple[Lease | None, ...], now: float) -> Vantage:
    """Takes the stored Leases as last read, in the order of the slots."""
    slots = tuple(_note_lease(slot, lease, state.trouble, now) for slot, lease in zip(state.slots, found, strict=True))
    after = replace(state, slots=slots)
    tokens = {slot.statement.trouble for slot in after.fresh(now)} - {""}
    return replace(after, tokens={token: state.tokens.get(token, now) for token in sorted(tokens)})


def _note_lease(slot: Slot, lease: Lease | None, trouble: str, now: float) -> Slot:
    known = slot.read_at < math.inf
    if lease is None:
        return slot if known and slot.lease is None else Slot(read_at=now)
    if slot.lease is not None and slot.lease.version == lease.version:
        return slot
    statement = parse_statement(lease.note)
    before = slot.sees_since if slot.lease and slot.lease.holder == lease.holder else math.inf
    sees_since = min(before, now) if trouble and trouble in statement.sees else math.inf
    return Slot(lease, statement, now, now if known else -math.inf, sees_since)


def note_health(state: Vantage, health: Health) -> Vantage:
    """Takes the health of this daemon: each new trouble gets a new token."""
    troubled = health.blind or bool(health.stuck)
    if troubled == bool(state.trouble):
        return state
    troubles = state.troubles + troubled
    slots = tuple(replace(slot, sees_since=math.inf) for slot in state.slots)
    return replace(state, trouble=f"{state.me}/{troubles}" if troubled else "", troubles=troubles, slots=slots)


def make_statement(state: Vantage, health: Health, now: float, *, rests: bool, ballot: Ballot = EMPTY) -> Statement:
    """The statement to publish now."""
    able = health.started and not state.trouble and now - health.answered <= FRESH_SECONDS
    sees = frozenset(token for token, token_at in state.tokens.items() if able and health.answered > token_at)
    return Statement(state.trouble, sees, rests, health.services, ballot)


def others_see(state: Vantage, services: Services, now: float) -> bool:
    """Whether a fresh observer of this installation answers our trouble."""
    return any(_sees(slot, services, now) for slot in state.fresh(now))


def find_seer(state: Vantage, services: Services, now: float, seconds: float) -> str:
    """The observer to hand the Lease to: it has answered our trouble for so long, and does not rest. Empty: none."""
    able = (slot for slot in state.fresh(now) if _sees(slot, services, now) and not slot.statement.rests)
    return next((slot.lease.holder for slot in able if slot.lease and now - slot.sees_since >= seconds), "")


def _sees(slot: Slot, services: Services, now: float) -> bool:
    """Whether it answers our trouble. An observer of another installation sees other hosts, so it does not count."""
    return slot.sees_since <= now and not are_disjoint(services, slot.statement.services)


def ballots(state: Vantage, services: Services, now: float) -> dict[str, Ballot]:
    """The ballots of the fresh observers of this installation, by identity."""
    return {
        slot.lease.holder: slot.statement.ballot
        for slot in state.fresh(now)
        if slot.lease and not are_disjoint(services, slot.statement.services)
    }


def votes(state: Vantage, services: Services, place: str, number: int, now: float) -> Votes:
    """What the others say of our silence of that number at ``address:port``. Without a slot nobody can answer us."""
    if state.slot is None:
        return ALONE
    away = now >= state.renewed_at + FRESH_SECONDS
    found = count(state.me, place, number, ballots(state, services, now))
    return replace(found, nobody_before=math.inf if away else state.joined_at + JOIN_SECONDS)


def next_write(state: Vantage, statement: Statement, now: float, wall: str) -> tuple[int, Claim] | None:
    """The slot and the write to try now, or None. Our slot when it is due or our statement is new; else a free one."""
    if now < state.tried_at + RETRY_SECONDS:
        return None
    mine = state.slot
    if mine is None:
        return _take_slot(state, statement, now, wall)
    held = state.slots[mine].lease
    if held is None or (held.note == statement_json(statement) and now < state.renewed_at + RENEW_SECONDS):
        return None
    return mine, Claim(held, replace(held, seconds=STALE_SECONDS, renewed=wall, note=statement_json(statement)))


def _take_slot(state: Vantage, statement: Statement, now: float, wall: str) -> tuple[int, Claim] | None:
    for at, slot in enumerate(state.slots):
        free = slot.lease is None or not slot.lease.holder or now >= slot.read_at + STALE_SECONDS
        if free:
            transitions = 0 if slot.lease is None else slot.lease.transitions + 1
            return at, Claim(
                slot.lease, Lease(state.me, STALE_SECONDS, transitions, wall, wall, note=statement_json(statement))
            )
    return None


def is_spare(state: Vantage, now: float) -> bool:
    """Whether others hold all slots, so that this daemon does not vote."""
    return state.slot is None and len(state.fresh(now)) == SLOTS


def note_attempt(state: Vantage, now: float) -> Vantage:
    """A write began; whatever its result, the next one is due after ``RETRY_SECONDS``."""
    return replace(state, tried_at=now)


def note_write(state: Vantage, at: int, found: Lease, begun: float, now: float) -> Vantage:
    """Takes the result of a write that was stored."""
    slots = list(state.slots)
    slots[at] = _note_lease(slots[at], found, state.trouble, now)
    joined_at = now if begun > state.renewed_at + FRESH_SECONDS else state.joined_at
    return replace(state, slots=tuple(slots), renewed_at=begun, tried_at=-math.inf, joined_at=joined_at)


def give_back(state: Vantage, wall: str) -> tuple[int, Claim] | None:
    """The write by which a daemon that ends frees its slot."""
    mine = state.slot
    held = None if mine is None else state.slots[mine].lease
    if mine is None or held is None:
        return None
    return mine, Claim(held, replace(held, holder="", seconds=1.0, renewed=wall, note=""))
