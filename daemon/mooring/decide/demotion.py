"""When the sessions of a primary that was demoted are ended. Pure; times are monotonic seconds.

begins  | the host, ready until now, says itself that it is the primary no more, and we lead
is due  | a second after a write of ours was stored that takes it out of the traffic
lapses  | it is ready again, or we lead no more, before that; or it is not ``subject`` any more when it is due
is late | no such write was stored within half a minute: then no session is ended, for traffic may still come

What neither the host nor the Service said never begins one: silence, a policy, somebody who takes the host out, or a
ruling of ours or the Sentinels' on a host that calls itself the primary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mooring.events import HostChanged
from mooring.model import Change, HostState, Member, Verdict
from mooring.picture import Condition, Slice, Step
from mooring.reasons import Effect, Reason
from mooring.spec import Role, ServiceKey, ServiceSpec

SETTLE_SECONDS = 1.0
"""For proxies to learn what was stored: a pool that is cut off reconnects at once, and must not come back here."""
PATIENCE_SECONDS = 30.0
_OWN_WORD = frozenset({Reason.WRONG_ROLE, Reason.READ_ONLY})
Place = tuple[ServiceKey, str]
"""A Service, and the address in it that is judged."""


@dataclass(frozen=True, slots=True)
class Demotion:
    """``at``: when the host said so; ``stored_at``: when it was taken out for that, None while it is not yet."""

    member: Member
    at: float
    stored_at: float | None = None

    @property
    def due_at(self) -> float:
        """When something is to be done about it."""
        return self.at + PATIENCE_SECONDS if self.stored_at is None else self.stored_at + SETTLE_SECONDS


class Demotions:
    """Those under way. A write may be told of before the change of verdict that asked for it."""

    def __init__(self) -> None:
        self._open: dict[Place, Demotion] = {}
        self._withdrawn: dict[Place, float] = {}
        """When an address was last taken out, of late; the oldest first."""

    @property
    def next_at(self) -> float | None:
        """When the next one is due or late; None: there is none."""
        return min((one.due_at for one in self._open.values()), default=None)

    def heard(self, event: HostChanged, now: float, *, leads: bool) -> None:
        place = event.member.service, event.member.address
        self._open.pop(place, None)
        if not leads or not _demotes(event):
            return
        at = now if event.state.counted_at is None else event.state.counted_at
        stored_at = self._withdrawn.get(place)
        self._open[place] = Demotion(event.member, at, None if stored_at is None or stored_at < at else stored_at)

    def stored(self, step: Step, now: float) -> None:
        """This write of ours was."""
        for address in withdrawn(step):
            place = step.key, address
            self._withdrawn.pop(place, None)
            self._withdrawn[place] = now
            if place in self._open:
                self._open[place] = replace(self._open[place], stored_at=now)
        self._forget(now - PATIENCE_SECONDS)

    def lapse(self) -> None:
        """All of them: we lead no more."""
        self._open.clear()

    def due(self, now: float) -> list[Demotion]:
        """Those that are due, or late (``stored_at`` is None then); each is told once."""
        found = [place for place, one in self._open.items() if one.due_at <= now]
        return [self._open.pop(place) for place in found]

    def _forget(self, before: float) -> None:
        while self._withdrawn:
            place, at = next(iter(self._withdrawn.items()))
            if at >= before:
                return
            del self._withdrawn[place]


def withdrawn(step: Step) -> frozenset[str]:
    """The addresses that a write takes out of the traffic."""
    if isinstance(step, Change):
        before = step.before.ready if step.before else frozenset()
        return before - {address for subset in step.subsets for address in subset.ready}
    return _ready(step.before.slice if step.before else None) - _ready(step.after)


def subject(demotion: Demotion, spec: ServiceSpec, hosts: Iterable[tuple[Member, HostState]]) -> Member | None:
    """The host as it is listed now, if the Service still asks for it and the host still says what it said."""
    if not spec.kill_users or spec.check.requirement.role is not Role.PRIMARY:
        return None
    for member, state in hosts:
        if member.address == demotion.member.address:
            return member if not member.maintenance and _still_demoted(state) else None
    return None


def _demotes(event: HostChanged) -> bool:
    member, state = event.member, event.state
    asked = member.requirement.role is Role.PRIMARY and not member.maintenance
    left = event.before is Verdict.READY and state.verdict is Verdict.NOT_READY
    return asked and left and _own_word(state)


def _still_demoted(state: HostState) -> bool:
    """It has said nothing since that would take that back; that it says nothing at all does not."""
    decides = state.outcome is not None and state.outcome.effect is Effect.DECIDES
    return state.verdict is Verdict.NOT_READY and state.barred and (not decides or _own_word(state))


def _own_word(state: HostState) -> bool:
    """Where the host calls itself the primary, it is others who say that it is not."""
    primary = state.facts is not None and state.facts.role == "primary"
    return state.outcome is not None and state.outcome.reason in _OWN_WORD and not primary


def _ready(found: Slice | None) -> frozenset[str]:
    return frozenset(found.of(Condition.READY)) if found else frozenset()
