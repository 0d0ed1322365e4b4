"""Judges of a simulated world: what no daemon may do, whatever happens, and what must be true in the end.

They share no code with the daemon. They know what really happened, and what each daemon's probes reported.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from mooring.model.probes import Report
from mooring.model.reasons import Reason
from simulation import strangers
from simulation.api_store import Change
from simulation.daemons import LEASE, THEIR_LEASE
from simulation.evidence import Evidence, kind_of
from simulation.files import keeps_silent_hosts
from simulation.hosts import PASSWORD
from simulation.laws import Laws
from simulation.pace import Pace
from simulation.plans import QUIET_SECONDS
from simulation.stored import Lists, is_published, kept_by_mooring, lists, lists_after, service_of, together, writer_of
from simulation.votes import Sight, is_calm, is_outvoted, of_others

if TYPE_CHECKING:
    from simulation.plan import ServicePlan
    from simulation.world import SimulatedWorld

WRITE_SECONDS = 12.0
"""Within this time before a write was sent something must have spoken for it: the one before it may take five seconds
and is tried again after a conflict."""
SETTLED_SECONDS = 90.0
"""After the last fault: by then what is published is true. A refused login is tried again after at most 60 s."""
STOOD_SECONDS = 90.0
"""So long at most a daemon stands still, and what it reads then is old."""
OVER_SECONDS = 0.05
SESSIONS = 2
"""The most connections of one daemon at one database."""
TASKS = 120


@dataclass(frozen=True)
class Violation:
    law: str
    at: float
    what: str

    def __str__(self) -> str:
        return f"{self.law} at {self.at:.3f} s: {self.what}"


@dataclass
class Judge:
    world: SimulatedWorld
    violations: list[Violation] = field(default_factory=list)
    evidence: dict[tuple[str, str, str], Evidence] = field(default_factory=dict)
    sights: dict[tuple[str, str, str], Sight] = field(default_factory=dict)
    holders: dict[str, deque[tuple[float, str]]] = field(default_factory=lambda: {LEASE: deque(), THEIR_LEASE: deque()})
    """Who took each Lease, and when it was stored."""
    writes: list[tuple[float, str]] = field(default_factory=list)
    once_ready: set[tuple[str, str]] = field(default_factory=set)
    """Services and addresses that were stored as ready at some time."""
    by_people: set[tuple[str, str]] = field(default_factory=set)
    """Services and addresses that were stored as not ready because people had taken them out: what speaks against such
    a host may be silence that did not count, and then it comes back without a new success."""
    stale: int = 0
    """Writes that were stored though another process held the Lease when they were sent."""
    laws: Laws = field(init=False)
    """Those of one part of Mooring each."""
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.laws = Laws(self.world, self.sights, self.fail)
        self.pace = Pace(self.world, self.sights, self.evidence, self.fail)

    def event(self, who: str, event: Any) -> None:
        self.laws.event(who, event)
        self.pace.event(event)
        self._leak(who, repr(event))

    def second(self) -> None:
        """Once in each second of the world."""
        self.count_connections()
        self.laws.second(self.leader())
        self.pace.second(self.leader())

    @property
    def failovers(self) -> int:
        """How often a process took a Lease that another process had held last."""
        found = 0
        for held in self.holders.values():
            names = [holder for _, holder in held if holder]
            found += sum(one != other for one, other in itertools.pairwise(names))
        return found

    def _leak(self, who: str, said: str) -> None:
        """No password stands in what a daemon logs or sends to the API server."""
        if PASSWORD in said:
            self.fail("I11", f"{who} shows a password: {said[:120]}")

    def leader(self, lease: str = LEASE) -> str:
        """The process that holds the Lease; empty: none does."""
        held = self.holders[lease]
        return self.world.identities.get(held[-1][1], "") if held else ""

    def fail(self, law: str, what: str) -> None:
        self.violations.append(Violation(law, self.world.kernel.now, what))

    def reports(self, who: str, reports: Sequence[Report]) -> None:
        now = self.world.kernel.now
        for report in reports:
            took = report.ended - report.started
            allowed = report.target.timeout + OVER_SECONDS
            if took > allowed and report.observation.reason is not Reason.LOCAL and not self._stood_still(who, took):
                self.fail("I10", f"{who}: a probe of {report.target.address} took {took:.3f} s")
            if report.witness:
                continue
            name = self.world.at[report.target.address]
            for plan in self.world.file_of(who).values():
                if name in plan.hosts and plan.timeout == report.target.timeout:
                    key, kind = (who, plan.name, report.target.address), kind_of(report, plan)
                    self.evidence.setdefault(key, Evidence()).take(kind, plan, now)
                    self.sights.setdefault(key, Sight()).take(kind, now)

    def _stood_still(self, who: str, seconds: float) -> bool:
        return self.world.kernel.now - self.world.stood_still.get(who.split(".", maxsplit=1)[0], -1e9) < seconds + 1.0

    def change(self, change: Change) -> None:
        if change.collection.endswith("/leases") and change.name in self.holders:
            holder, held = change.stored["spec"].get("holderIdentity") or "", self.holders[change.name]
            if not held or held[-1][1] != holder:
                held.append((self.world.kernel.now, holder))
        self.laws.change(change)
        self.pace.change(change)
        if (daemon := self.world.daemons.get(change.by.split(".", maxsplit=1)[0])) is not None:
            for problem in strangers.problems(change, self.world.file_of(change.by), daemon.lease):
                self.fail("I4", f"{change.by} {problem}")
        if is_published(change):
            self._write(change)

    def call(self, by: str, method: str, path: str, body: dict[str, Any] | None) -> None:
        """Before the API server takes it."""
        self._leak(by, repr(body))
        named = ((body or {}).get("metadata") or {}).get("resourceVersion") or (body or {}).get("preconditions")
        if method in {"PATCH", "DELETE"} and _is_published(path) and not named:
            self.fail("I6", f"{by} wrote {path} without a precondition")

    def wrote_nothing(self, by: str, path: str) -> None:
        if _is_published(path):
            self.fail("I7", f"{by} wrote {path} without a change")

    def _write(self, change: Change) -> None:
        now, who = self.world.kernel.now, change.by
        self.writes.append((now, who))
        service, (ready, not_ready) = service_of(change), lists_after(change)
        plan = self.world.file_of(who)[service]
        if both := ready & not_ready:
            self.fail("I3", f"{who} stored {sorted(both)} in both lists of {service}")
        if strange := (ready | not_ready) - {self.world.address(name) for name in plan.hosts}:
            self.fail("I8", f"{who} stored {sorted(strange)}, which {service} does not list")
        self._lease(change)
        paused = self.world.paused(service)
        if paused is not None and self.world.api.sent_at > paused + WRITE_SECONDS:
            self.fail("paused", f"{who} wrote {service} while it was paused")
        if not plan.named:
            for problem in self._unfounded(change, plan, ready, not_ready):
                self.fail(*problem)
        self.laws.write(change, plan)

    def _lease(self, change: Change) -> None:
        """When this was sent, nobody else held the Lease."""
        if not self.world.plan.election:
            return
        sent = self.world.api.sent_at
        lease = self.world.daemons[change.by.split(".", maxsplit=1)[0]].lease
        held = next((holder for at, holder in reversed(self.holders[lease]) if at <= sent), "")
        if self.world.identities.get(held) != change.by:
            self.stale += 1
            self.fail(
                "I6", f"{change.by} wrote {change.name}, sent at {sent:.3f} s, while {held or 'nobody'} held the Lease"
            )

    def _unfounded(
        self, change: Change, plan: ServicePlan, ready: set[str], not_ready: set[str]
    ) -> Iterator[tuple[str, str]]:
        was_ready = lists(change.before)[0] if change.before else set()
        plain = plan.role == "any" and plan.when_all_fail == "publishNone" and self._kept_by_ours(change)
        for name in plan.hosts:
            address = self.world.address(name)
            held = self.evidence.get((change.by, plan.name, address), Evidence(since=self.world.kernel.now))
            lasting = self._long_ago(held.since)
            out = name in plan.maintenance or self._drained_lately(plan.name, name)
            known = (plan.name, address) in self.once_ready - self.by_people and not self._may_hold(plan)
            if address in ready and self.world.out_since(plan.name, name) < self.world.api.sent_at - WRITE_SECONDS:
                yield "out", f"{change.by} stored {name} as ready in {plan.name}, though people have taken it out"
            if address in ready and lasting and held.surely is False and plan.when_all_fail == "publishNone":
                yield ("I1" if plan.role == "any" else "I9"), f"{change.by} stored {name} as ready in {plan.name}"
            elif address in ready - was_ready and plain and known and held.proven_down and self._long_ago(held.up_at):
                yield "I1", f"{change.by} let {name} into {plan.name} without {plan.success} successes"
            if address in not_ready & was_ready and plan.role == "any" and not out:
                if plain and self._outvoted(change.by, plan.name, address):
                    yield "votes", f"{change.by} took {name} out of {plan.name}, which half of the replicas see"
                if lasting and held.surely is True:
                    yield "I2", f"{change.by} took {name} out of {plan.name}, which answers"
                elif plain and not held.proven_down and self._long_ago(held.down_at):
                    yield "I2", f"{change.by} took {name} out of {plan.name} without {plan.failure} failures"
            if out and address in not_ready:
                self.by_people.add((plan.name, address))
        self.once_ready |= {(plan.name, address) for address in ready}
        self.by_people -= {(plan.name, address) for address in ready}

    def _drained_lately(self, service: str, name: str) -> bool:
        """Whether it is drained, or was: a daemon that stood still reads one after the other what people did."""
        drained_at = self.world.taken_out.get((service, name), -inf)
        lately = drained_at > self.world.api.sent_at - STOOD_SECONDS
        return self.world.is_drained(service, name) or lately or self.pace.was_held_back(service, name, STOOD_SECONDS)

    def _may_hold(self, plan: ServicePlan) -> bool:
        """Whether a host that is only silent may stay ready: then its silence proves nothing of its verdict."""
        return self.world.plan.limit is not None or keeps_silent_hosts(plan)

    def _kept_by_ours(self, change: Change) -> bool:
        """Nobody else has changed what is stored since a daemon of this installation did."""
        world = self.world
        before = world.identities.get(writer_of(change.before), change.by)
        return kept_by_mooring(change.before) and world.file_of(before) is world.file_of(change.by)

    def _outvoted(self, who: str, service: str, address: str) -> bool:
        world, now = self.world, self.world.kernel.now
        processes = [one.process.name for one in world.daemons.values() if one.process and one.process.name != who]
        mine, others = self.sights.get((who, service, address)), of_others(self.sights, processes, service, address)
        voting = world.plan.observers and is_calm(world.plan, now)
        return mine is not None and voting and is_outvoted(mine, others, len(world.daemons), now)

    def _long_ago(self, at: float) -> bool:
        """So long before the write was sent that it is not late for it.

        A frozen API server may store a write long after its sender gave up: the write is decided on what was then.
        """
        return self.world.api.sent_at - at > WRITE_SECONDS

    def count_connections(self) -> None:
        """What each daemon has open now."""
        counts: dict[tuple[str, str], int] = {}
        for held in self.world.network.files.values():
            connection = getattr(held, "_connection", None)
            if connection is not None and not held.closed:
                key = (held.process.name, connection.server.name)
                counts[key] = counts.get(key, 0) + 1
        for (who, name), count in counts.items():
            if count > SESSIONS:
                self.fail("sessions", f"{who} has {count} connections to {name}")
        for daemon in self.world.daemons.values():
            if daemon.process and daemon.process.tasks > TASKS:
                self.fail("threads", f"{daemon.process.name} has {daemon.process.tasks} threads")

    def end(self) -> None:
        """The world has been sound for a while."""
        for defect in self.world.defects:
            self.fail("defect", defect)
        quiet = self.world.plan.seconds - QUIET_SECONDS
        late = [write for write in self.writes if write[0] > quiet + SETTLED_SECONDS and not self.world.theirs]
        if late:
            self.fail("settled", f"{late[0][1]} still wrote at {late[0][0]:.3f} s, {len(late)} times in all")
        for plan in self.world.services.values():
            if plan.name in self.world.theirs:
                continue
            ready, not_ready = self._published(plan)
            listed = {name for name in plan.hosts if self.world.lists(plan, name)}
            true = {self.world.address(name) for name in listed if self.world.can_serve(plan, name)}
            if ready != true:
                self.fail("true", f"{plan.name} has {sorted(ready)} ready, and {sorted(true)} can serve")
            if not_ready != {self.world.address(name) for name in listed} - true:
                self.fail("true", f"{plan.name} has {sorted(not_ready)} not ready")
        self.laws.end()

    def _published(self, plan: ServicePlan) -> Lists:
        stored = self.world.stored(plan.name)
        return together(self.world.slices(plan.name)) if plan.publish != "endpoints" else lists(stored or {})


def _is_published(path: str) -> bool:
    return "/endpoints/" in path or "/endpointslices/" in path
