"""When Mooring ends the sessions on a primary that was demoted. Sans-I/O; times are monotonic seconds.

a demotion | when
-----------+----------------------------------------------------------------------------------------------------
begins     | a ready host reports that it is no longer the primary, and this Mooring leads
is due     | ``SETTLE_SECONDS`` after a write that takes the host out of the traffic is stored
lapses     | before that, the host is ready again or this Mooring stops leading; or ``find_demoted`` finds no host
is late    | no such write is stored within half a minute: Mooring ends no session, because traffic may still come

Only the host's own word begins one. Silence, a policy, a drain or maintenance do not, and neither does a decision of
Mooring or of a quorum about a host that still claims to be the primary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mooring.model.events import HostChanged
from mooring.model.objects import Condition, EndpointsWrite, Slice, Write
from mooring.model.reasons import Effect, Reason
from mooring.model.spec import Role, ServiceKey, ServiceSpec
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Verdict

SETTLE_SECONDS = 2.0
"""The time that proxies need to take up the write: a pool whose sessions end reconnects at once, to another host.

kube-proxy takes up a second change within a second only a second after the first (its ``minSyncPeriod``).
"""
PATIENCE_SECONDS = 30.0
_OWN_WORD = frozenset({Reason.WRONG_ROLE, Reason.READ_ONLY})
Place = tuple[ServiceKey, str]
"""A Service, and the address of a member."""


@dataclass(frozen=True, slots=True)
class Demotion:
    """``at``: when the host reported it; ``stored_at``: when the write that takes it out was stored, None: not yet."""

    member: Member
    at: float
    stored_at: float | None = None

    @property
    def due_at(self) -> float:
        """When it is due or late, in monotonic seconds."""
        return self.at + PATIENCE_SECONDS if self.stored_at is None else self.stored_at + SETTLE_SECONDS


class Demotions:
    """The demotions under way. The event of a write may come before that of the verdict that caused it."""

    def __init__(self) -> None:
        self._open: dict[Place, Demotion] = {}
        self._withdrawn: dict[Place, float] = {}
        """When a write took each address out, within the last half minute; the oldest first."""

    @property
    def next_at(self) -> float | None:
        """When the next demotion is due or late; None: none is under way."""
        return min((one.due_at for one in self._open.values()), default=None)

    def note_verdict(self, event: HostChanged, now: float, *, leads: bool) -> None:
        place = event.member.service, event.member.address
        self._open.pop(place, None)
        if not leads or not _demotes(event):
            return
        at = now if event.state.counted_at is None else event.state.counted_at
        stored_at = self._withdrawn.get(place)
        self._open[place] = Demotion(event.member, at, None if stored_at is None or stored_at < at else stored_at)

    def note_write(self, write: Write, now: float) -> None:
        """Notes a stored write."""
        for address in withdrawn_addresses(write):
            place = write.key, address
            self._withdrawn.pop(place, None)
            self._withdrawn[place] = now
            if place in self._open:
                self._open[place] = replace(self._open[place], stored_at=now)
        self._forget(now - PATIENCE_SECONDS)

    def drop_all(self) -> None:
        """Drops all demotions: this Mooring no longer leads."""
        self._open.clear()

    def take_due(self, now: float) -> list[Demotion]:
        """Removes and returns the demotions that are due, or late (``stored_at`` is None then)."""
        found = [place for place, one in self._open.items() if one.due_at <= now]
        return [self._open.pop(place) for place in found]

    def _forget(self, before: float) -> None:
        while self._withdrawn:
            place, at = next(iter(self._withdrawn.items()))
            if at >= before:
                return
            del self._withdrawn[place]


def withdrawn_addresses(write: Write) -> frozenset[str]:
    """The addresses that a write takes out of the traffic."""
    if isinstance(write, EndpointsWrite):
        before = write.before.ready if write.before else frozenset()
        return before - {address for subset in write.subsets for address in subset.ready}
    return _ready_addresses(write.before.slice if write.before else None) - _ready_addresses(write.after)


def find_demoted(demotion: Demotion, spec: ServiceSpec, hosts: Iterable[tuple[Member, HostState]]) -> Member | None:
    """The host as the file lists it now; None: the Service no longer asks for this, or the host is primary again."""
    if not spec.kill_users or spec.check.requirement.role is not Role.PRIMARY:
        return None
    for member, state in hosts:
        if member.address == demotion.member.address:
            return member if not member.host.maintenance and _still_demoted(state) else None
    return None


def _demotes(event: HostChanged) -> bool:
    member, state = event.member, event.state
    asked = member.check.requirement.role is Role.PRIMARY and not member.host.maintenance
    left = event.before is Verdict.READY and state.verdict is Verdict.NOT_READY
    return asked and left and _denies_primary(state)


def _still_demoted(state: HostState) -> bool:
    """Whether the host still disqualifies itself; silence since then changes nothing."""
    decides = state.outcome is not None and state.outcome.effect is Effect.DECIDES
    return state.verdict is Verdict.NOT_READY and state.self_disqualified and (not decides or _denies_primary(state))


def _denies_primary(state: HostState) -> bool:
    """Whether the host reports that it is not the primary."""
    primary = state.facts is not None and state.facts.role == "primary"
    return state.outcome is not None and state.outcome.reason in _OWN_WORD and not primary


def _ready_addresses(found: Slice | None) -> frozenset[str]:
    return frozenset(found.of(Condition.READY)) if found else frozenset()
