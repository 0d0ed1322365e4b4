"""Make before break: an address that a changed file replaces stays until a new one serves, within a bound.

address that the file does not list any more              | stays
----------------------------------------------------------+------------------------------------------------
ready, of a host with a name that has another address now | until that host is ready at its new one
ready, and no address that stays is ready                 | until any host is ready
in maintenance, of a wrong role, with a failure against it| not at all
any other                                                 | not at all

An address stays until its first failure at the latest, and for min(period + timeout, 10 s) at most. In that time a
probe of each new address ends, unless Mooring itself stood still: then it stays until one has, for 10 s at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mooring.judge.host import HostTracker
from mooring.judge.members import Expanded
from mooring.judge.service import ServiceHealth
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import HostSpec, ServiceSpec

MOST_SECONDS = 10.0
_FAILED = frozenset({Effect.FAILURE, Effect.DECIDES})


@dataclass(frozen=True, slots=True)
class Departure:
    """An address that stays ``until`` then, in monotonic seconds. ``host`` replaces it; empty: any host does."""

    until: float
    host: str = ""
    overdue: bool = False
    """It has stayed for the usual time, and now waits for the first probe of a new address."""


@dataclass(slots=True)
class Leaving:
    """The addresses of one Service that stay for a moment. ``health`` judges them apart from the listed ones."""

    health: ServiceHealth
    departures: dict[str, Departure] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def after_reload(
        self, main: ServiceHealth, spec: ServiceSpec, expanded: Expanded, reloaded_at: float | None
    ) -> Leaving:
        """The addresses that stay after a reload: new ones, and those of an earlier reload that still stay.

        An address that the file lists again goes back to ``main`` with its state.
        """
        listed = {member.address for member in expanded.members}
        new = {} if reloaded_at is None else departures(main, spec, expanded, reloaded_at)
        held = self.health.trackers
        trackers = {address: main.trackers[address] for address in new}
        trackers |= {address: one for address, one in held.items() if address not in listed}
        main.trackers |= {address: one for address, one in held.items() if address in listed}
        known = new | {address: one for address, one in self.departures.items() if address in trackers}
        after = Leaving(ServiceHealth(main.spec, trackers, seeded=True), known, self.failed & trackers.keys())
        after.health.contest.set_members(main.spec, trackers, {})
        return after

    def note(self, tracker: HostTracker, reason: Reason | None) -> bool:
        """Notes the reason of a probe. Returns whether it ends the stay of its address."""
        if reason is None or MEANINGS[reason].effect not in _FAILED:
            return False
        self.failed.add(tracker.member.address)
        return True

    def staying(self, main: ServiceHealth) -> tuple[HostTracker, ...]:
        """Those that no new address has replaced; with ``role: primary`` none once another host is ready."""
        ready = {one.member.host.name for one in main.trackers.values() if one.ready}
        done = bool(ready) and main.single
        return tuple(
            tracker
            for address, tracker in self.health.trackers.items()
            if not done
            and address not in self.failed
            and tracker.ready
            and not _is_replaced(self.departures[address], ready)
        )

    def until(self, main: ServiceHealth) -> float | None:
        """When the first of them must leave, in monotonic seconds."""
        return min((self.departures[one.member.address].until for one in self.staying(main)), default=None)

    def end(self, main: ServiceHealth, now: float) -> bool:
        """Drops the addresses whose stay has ended. Returns whether there were any."""
        held = {one.member.address: one for one in self.staying(main)}
        staying = {address: one for address, one in held.items() if self._stays(one, main, now)}
        ended = len(staying) < len(self.health.trackers)
        self.health.trackers = staying
        self.departures = {address: one for address, one in self.departures.items() if address in staying}
        return ended

    def _stays(self, tracker: HostTracker, main: ServiceHealth, now: float) -> bool:
        """Whether it stays any longer; what is overdue stays until a new address is heard of."""
        departure = self.departures[tracker.member.address]
        unheard = _is_unheard(departure, main)
        if departure.until <= now and unheard and not departure.overdue:
            longer = MOST_SECONDS - _usual_seconds(tracker)
            departure = replace(departure, until=departure.until + longer, overdue=True)
            self.departures[tracker.member.address] = departure
        return departure.until > now and (unheard or not departure.overdue)


def departures(before: ServiceHealth, spec: ServiceSpec, expanded: Expanded, now: float) -> dict[str, Departure]:
    """The addresses that stay for a moment when the Service takes up a changed file."""
    listed = {member.address: member for member in expanded.members}
    gone = {address: one for address, one in before.trackers.items() if address not in listed and _is_sound(one)}
    kept = [one for address, one in before.trackers.items() if address in listed and one.ready]
    empties = all(listed[one.member.address].host.maintenance for one in kept)
    hosts = {host.name: host for host in spec.hosts}
    found = {address: _departure(one, hosts, now, empties=empties) for address, one in gone.items()}
    return {address: one for address, one in found.items() if one is not None}


def _departure(tracker: HostTracker, hosts: Mapping[str, HostSpec], now: float, *, empties: bool) -> Departure | None:
    until = now + _usual_seconds(tracker)
    host = hosts.get(tracker.member.host.name)
    if host is not None and host.name != host.address:
        return None if host.maintenance else Departure(until, host.name)
    return Departure(until) if empties else None


def _usual_seconds(tracker: HostTracker) -> float:
    """In which a probe of a new address ends."""
    check = tracker.member.check
    return min(check.period + check.timeout, MOST_SECONDS)


def _is_unheard(departure: Departure, main: ServiceHealth) -> bool:
    """Whether a new address has not been probed yet."""
    new = [one for one in main.trackers.values() if departure.host in {"", one.member.host.name}]
    return any(one.judgement.outcome is None and not one.member.host.maintenance for one in new)


def _is_sound(tracker: HostTracker) -> bool:
    held = tracker.judgement
    return tracker.ready and held.streak == 0 and not held.self_disqualified and not tracker.member.host.maintenance


def _is_replaced(departure: Departure, ready: Iterable[str]) -> bool:
    return departure.host in ready if departure.host else bool(ready)
