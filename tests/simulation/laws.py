"""Laws of one part of Mooring each: who leads, limits of demotions, names, two installations, own slices.

Like the judges they share no code with the daemon, and ask less than what Mooring promises, so that nothing depends on
who read what when.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from mooring.model.events import HostChanged, LeaderChanged, WriteFailed
from mooring.model.lease_events import ClocksDisagree
from mooring.model.publish_events import Contested
from mooring.model.reasons import Reason
from mooring.model.verdicts import Verdict
from simulation.api_store import Change
from simulation.files import name_of
from simulation.stored import lists, lists_after, service_of, together, writer_of
from simulation.votes import LONG, Sight, is_calm

if TYPE_CHECKING:
    from simulation.plan import ServicePlan
    from simulation.world import SimulatedWorld

HANDED_SECONDS = 20.0
"""An outvoted leader has handed over by then: two periods and a timeout, votes, 3 s of seeing, 5 s for writes."""
REST_SECONDS = 100.0
"""After a handover the next one may take so long."""
FIRST_SECONDS = 5.0
"""Who led by then got the Lease from nobody."""
LEAST_HOSTS = 10
DRIFT = 0.9
"""A window of a fast clock, in true time."""
LATE_SECONDS = 12.0
"""How late a write may be whose time has come."""
ABSENT_SECONDS = 8.0
"""Three lookups, of which two are 4.5 s apart or more."""
STARTS_SECONDS = 30.0
"""A process that has run for less may know a name by one lookup."""
LEFT_SECONDS = 60.0
"""So long after a name has lost an address it is not published any more."""
REPAIRS, MINUTE = 3, 60.0
RENEWED_SECONDS = 3.0
"""A leader that is well renews its Lease every two seconds."""
REPORTED = 5
"""After so many repairs a rival has been reported."""
SILENT = frozenset({Reason.TIMEOUT, Reason.UNREACHABLE})


@dataclass
class Laws:
    """``sights``: as of ``Judge``; ``fail``: takes a law, and how it was broken."""

    world: SimulatedWorld
    sights: Mapping[tuple[str, str, str], Sight]
    fail: Callable[[str, str], None]
    left: dict[str, deque[tuple[float, str]]] = field(default_factory=dict)
    """Of each process: the hosts that silence took out, and when."""
    repairs: dict[tuple[str, str, str], deque[float]] = field(default_factory=dict)
    """Of each process and Service: when it wrote over what a daemon of the other installation had stored."""
    many: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """How many these were in all."""
    moved: dict[str, deque[float]] = field(default_factory=dict)
    """Of each process: when a verdict of it changed."""
    led: dict[str, deque[float]] = field(default_factory=dict)
    """Of each process: when it began to lead, or may have led again after a break."""
    renewed: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Who renewed each Lease last, and when that was stored."""
    unheard: dict[str, deque[float]] = field(default_factory=dict)
    """Of each process: when a write of it failed; one whose reply is lost was stored all the same."""
    reported: set[str] = field(default_factory=set)
    """Processes that reported another Mooring."""
    led_since: tuple[str, float] = ("", 0.0)
    overdue: set[tuple[str, str]] = field(default_factory=set)

    def event(self, who: str, event: Any) -> None:
        if isinstance(event, Contested) and event.mooring:
            self.reported.add(who)
        if isinstance(event, WriteFailed):
            self.unheard.setdefault(who, deque(maxlen=50)).append(self.world.kernel.now)
        if isinstance(event, ClocksDisagree) or (isinstance(event, LeaderChanged) and event.leading):
            self.led.setdefault(who, deque(maxlen=50)).append(self.world.kernel.now)
        if isinstance(event, HostChanged):
            self.moved.setdefault(who, deque(maxlen=50)).append(self.world.kernel.now)
            if self.world.plan.limit:
                self._limit(who, event)

    def _limit(self, who: str, event: HostChanged) -> None:
        """Silence takes out at most so many of a hundred within the window, but for those that were held for it."""
        outcome, counts = event.state.outcome, event.counts
        if event.state.verdict is not Verdict.NOT_READY or event.before is not Verdict.READY or counts is None:
            return
        if outcome is None or outcome.reason not in SILENT or self.world.plan.limit is None:
            return
        now, (percent, window), address = self.world.kernel.now, self.world.plan.limit, event.member.address
        sight = self.sights.get((who, event.member.service.name, address))
        if sight is None or now - sight.seen >= DRIFT * window:
            return
        gone = self.left.setdefault(who, deque(maxlen=50))
        gone.append((now, address))
        lately = {one for at, one in gone if at > now - DRIFT * window}
        service = event.member.service.name
        out = sum(self.world.out_since(service, name) < inf for name in self.world.services[service].hosts)
        hosts = len(lately) + counts[0] + out
        if hosts >= LEAST_HOSTS and 100 * len(lately) > percent * hosts:
            self.fail("limit", f"{who} took out {len(lately)} of {hosts} silent hosts within {window:g} s")

    def second(self, leader: str) -> None:
        if leader != self.led_since[0]:
            self.led_since = leader, self.world.kernel.now
        if leader and self.world.plan.observers:
            self._eyes(leader)
        if leader and self.world.plan.limit:
            self._overdue(leader)
        for plan in self.world.services.values():
            if plan.named:
                self._named(plan)

    def _eyes(self, leader: str) -> None:
        """A leader that alone does not see a host has handed over to one that sees all of them."""
        world, now = self.world, self.world.kernel.now
        plan = next(iter(world.services.values()))
        others = [one.process.name for one in world.daemons.values() if one.process and one.process.name != leader]
        handed = FIRST_SECONDS < self.led_since[1] > now - REST_SECONDS
        if handed or not is_calm(world.plan, now):
            return
        for name in plan.hosts:
            mine = self.sights.get((leader, plan.name, world.address(name)))
            alone = mine and (mine.kind, mine.before) == ("~", "+") and mine.since < now - HANDED_SECONDS
            if alone and all(self._sees_all(who, plan) for who in others):
                self.fail("eyes", f"{leader} still leads, and alone it has not seen {name} since {mine.since:.0f} s")  # type: ignore[union-attr]

    def _sees_all(self, who: str, plan: ServicePlan) -> bool:
        now = self.world.kernel.now
        seen = [self.sights.get((who, plan.name, self.world.address(name))) for name in plan.hosts]
        return all(one and one.kind == "+" and one.since < now - LONG for one in seen)

    def _overdue(self, leader: str) -> None:
        """A host that is held leaves at the end of the window."""
        world, now, limit = self.world, self.world.kernel.now, self.world.plan.limit
        plan = next(iter(world.services.values()))
        ready = lists(world.stored(plan.name) or {})[0]
        latest = (limit[1] if limit else 0.0) / DRIFT + (plan.failure + 1) * plan.period + LATE_SECONDS
        if now - self.led_since[1] < latest or not is_calm(world.plan, now) or world.paused(plan.name) is not None:
            return
        seen = {one: self.sights.get((leader, plan.name, one)) for one in map(world.address, plan.hosts)}
        if not any(one and one.kind == "+" for one in seen.values()):
            return
        for address in ready & {at for at, one in seen.items() if one and one.kind == "~" and one.since < now - latest}:
            if (leader, address) not in self.overdue:
                self.overdue.add((leader, address))
                self.fail("limit", f"{address} is still ready, and {leader} has not seen it for {latest:.0f} s")

    def change(self, change: Change) -> None:
        """Each stored change. A renewal that comes late may hide that its holder did not lead for a moment."""
        if not change.collection.endswith("/leases"):
            return
        now, (by, at) = self.world.kernel.now, self.renewed.get(change.name, ("", 0.0))
        if by == change.by and now - at > RENEWED_SECONDS:
            self.led.setdefault(by, deque(maxlen=50)).append(now)
        self.renewed[change.name] = change.by, now

    def write(self, change: Change, plan: ServicePlan) -> None:
        if plan.named:
            self._names(change, plan)
        if self.world.theirs:
            self._rivals(change)

    def _names(self, change: Change, plan: ServicePlan) -> None:
        """An address leaves only after three lookups without it; a failed one changes nothing."""
        world, now = self.world, self.world.kernel.now
        daemon = world.daemons[change.by.split(".", maxsplit=1)[0]]
        if now - daemon.started_at < STARTS_SECONDS:
            return
        before = set().union(*lists(change.before)) if change.before else set()
        for address in sorted(before - set().union(*lists_after(change))):
            since = world.names.absent_since(name_of(plan), address)
            if since > now - ABSENT_SECONDS and since > daemon.started_at:
                self.fail("names", f"{change.by} took {address} out of {plan.name}, whose name holds it")

    def _named(self, plan: ServicePlan) -> None:
        """An address that the name has lost leaves."""
        world, now = self.world, self.world.kernel.now
        published = set().union(*lists(world.stored(plan.name) or {}))
        hindered = not is_calm(world.plan, now) or world.paused(plan.name) is not None
        if hindered or not any(one.alive for one in world.daemons.values()):
            return
        for address in sorted(published):
            lost = world.names.absent_since(name_of(plan), address) < now - LEFT_SECONDS
            if lost and (plan.name, address) not in self.overdue:
                self.overdue.add((plan.name, address))
                self.fail("names", f"{plan.name} still has {address}, which its name lost a minute ago")

    def _rivals(self, change: Change) -> None:
        """At most three repairs a minute of what each daemon of the other installation wrote, and it is reported.

        What is no repair: the first write after a verdict changed, and after a daemon began to lead: that one cannot
        know whether the other Mooring or the leader before it stored what it finds. Where its reply is lost, the next
        is the first again. Repairs are counted when they were sent: the API server may store one seconds later.
        """
        world, now, service = self.world, self.world.api.sent_at, service_of(change)
        author = world.identities.get(writer_of(change.before), "")
        if not author or world.file_of(author) is world.file_of(change.by):
            return
        key = change.by, service, author
        made = self.repairs.setdefault(key, deque(maxlen=50))
        made.append(now)
        self.many[key] = self.many.get(key, 0) + 1
        since = now - DRIFT * MINUTE
        lately = sum(at > since for at in made)
        begun = [at for of in (self.moved, self.led) for at in of.get(change.by, ()) if at > since - LATE_SECONDS]
        unheard = sum(at > min(begun, default=inf) for at in self.unheard.get(change.by, ()))
        if lately > REPAIRS + len(begun) + unheard:
            self.fail("rivals", f"{change.by} wrote over the other Mooring {lately} times within a minute")
        if self.many[key] > REPORTED and change.by not in self.reported:
            self.fail("rivals", f"{change.by} repairs again and again, and has reported no other Mooring")

    def end(self) -> None:
        for plan in self.world.services.values():
            endpoints, slices = lists(self.world.stored(plan.name) or {}), together(self.world.slices(plan.name))
            if plan.publish == "both" and endpoints != slices:
                self.fail("slices", f"{plan.name}: its Endpoints and its slices differ")
            if plan.publish == "endpointSlices" and any(endpoints):
                self.fail("slices", f"{plan.name}: its Endpoints still have addresses, which nobody keeps")
            if plan.publish == "endpoints" and any(slices):
                self.fail("slices", f"{plan.name} has slices of its own, which it does not ask for")
