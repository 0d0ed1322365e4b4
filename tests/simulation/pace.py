"""Judges of time, I5 and I12: whatever is lost or hangs, every other host is asked and published as before.

They ask less than what Mooring promises: each bound has a few seconds on top, and what is disturbed itself is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from mooring.model.events import HostChanged, WriteFailed
from simulation.api_store import Change
from simulation.evidence import Evidence
from simulation.files import keeps_silent_hosts
from simulation.stored import PEOPLE, lists, together
from simulation.votes import Sight, is_calm

if TYPE_CHECKING:
    from simulation.daemons import SimulatedDaemon
    from simulation.plan import ServicePlan
    from simulation.world import SimulatedWorld

PATIENCE = 5.0
"""Seconds on top of each bound."""
DRIFT = 0.94
"""A slow clock, in true time."""
STARTS_SECONDS = 30.0
BACKOFF_SECONDS = 75.0
"""After a refused login the next one may take so long."""
RECOVERS_SECONDS = 15.0
"""After it stood still, or had no thread to start, a daemon needs so long to be on time again."""
PUBLISHED_SECONDS = 15.0
"""A verdict is stored by then where nothing hinders: a call of five seconds, a conflict, and the next one."""
RETURN_SECONDS = 15.0
"""So long after the API server is back the writes of each object are counted."""


@dataclass
class Return:
    """The seconds after the API server came back: which objects were written how often, and whether more happened."""

    since: float
    config: object
    leader: str
    writes: Counter[str] = field(default_factory=Counter)
    disturbed: bool = False


@dataclass
class Pace:
    """``sights``, ``evidence`` and ``fail``: as of ``Judge``."""

    world: SimulatedWorld
    sights: Mapping[tuple[str, str, str], Sight]
    evidence: Mapping[tuple[str, str, str], Evidence]
    fail: Any
    disturbed: dict[str, float] = field(default_factory=dict)
    """When each database last refused our login, and each daemon was last out of threads."""
    held_back: dict[tuple[str, str], float] = field(default_factory=dict)
    """When people last kept each host of a Service out, or the Service as it was; the host is empty then."""
    lost_since: float = inf
    """Since when the API server does not answer; infinity: it does."""
    back: Return | None = None
    led_since: tuple[str, float] = ("", 0.0)
    told: set[object] = field(default_factory=set)

    def second(self, leader: str) -> None:
        now = self.world.kernel.now
        if leader != self.led_since[0]:
            self.led_since = leader, now
        self._note(now)
        self._server(now, leader)
        for daemon in self.world.daemons.values():
            if daemon.process and daemon.alive and self._is_sound(daemon, now):
                self._asks(daemon, daemon.process.name, now)
        if leader and not self.world.theirs:
            self._publishes(leader, now)

    def event(self, event: Any) -> None:
        if self.back and isinstance(event, HostChanged | WriteFailed):
            self.back.disturbed = True

    def change(self, change: Change) -> None:
        if self.back is None or not change.collection.endswith(("/endpoints", "/services", "/endpointslices")):
            return
        if change.by in PEOPLE:
            self.back.disturbed = True
        elif self.world.api.sent_at > self.back.since:
            self.back.writes[f"{change.collection}/{change.name}"] += 1

    def _note(self, now: float) -> None:
        for name, database in self.world.databases.items():
            if database.state.mode == "locked-out":
                self.disturbed[name] = now
        for name, daemon in self.world.daemons.items():
            if daemon.process and daemon.process.tasks >= daemon.process.most_tasks:
                self.disturbed[name] = now

        for plan in self.world.services.values():
            for host in plan.hosts:
                if self.world.out_since(plan.name, host) < inf:
                    self.held_back[plan.name, host] = now
            if self.world.paused(plan.name) is not None:
                self.held_back[plan.name, ""] = now

    def was_held_back(self, service: str, host: str = "", lately: float = PUBLISHED_SECONDS) -> bool:
        """Whether people let it go so lately that a write may still be due; the file is read seconds later."""
        return self.world.kernel.now - self.held_back.get((service, host), -inf) < lately

    def _server(self, now: float, leader: str) -> None:
        """I5: once the API server is back, each object needs one write at most."""
        world = self.world
        if world.api.frozen:
            self.lost_since, self.back = min(now, self.lost_since), None
        elif self.lost_since < inf:
            self.lost_since, self.back = inf, Return(now, world.config, leader)
        if self.back is None or now - self.back.since < RETURN_SECONDS:
            return
        back, self.back = self.back, None
        if back.disturbed or back.config is not world.config or back.leader != leader or not self._is_plain():
            return
        for path, count in back.writes.items():
            if count > 1:
                self.fail("I5", f"{path} was written {count} times once the API server was back")

    def _is_plain(self) -> bool:
        """Nothing but verdicts decides what is published."""
        world = self.world
        plain = all(one.role == "any" and one.when_all_fail == "publishNone" for one in world.services.values())
        return plain and not (world.theirs or world.plan.limit or any(one.named for one in world.services.values()))

    def _is_sound(self, daemon: SimulatedDaemon, now: float) -> bool:
        still = max(self.world.stood_still.get(daemon.name, -inf), self.disturbed.get(daemon.name, -inf))
        return daemon.machine.runs and now - still > RECOVERS_SECONDS and now - daemon.started_at > STARTS_SECONDS

    def _asks(self, daemon: SimulatedDaemon, who: str, now: float) -> None:
        """Each host gives an outcome in each period, whatever happens to others and to the API server."""
        for plan in self.world.file_of(who).values():
            latest = 2.0 * plan.period / DRIFT + plan.timeout + PATIENCE
            for name in plan.hosts if not plan.named else ():
                sight = self.sights.get((who, plan.name, self.world.address(name)))
                if sight is None or now - self.disturbed.get(name, -inf) < BACKOFF_SECONDS:
                    continue
                if now - sight.last > latest and (who, plan.name, name) not in self.told:
                    self.told.add((who, plan.name, name))
                    law = "I5" if now - self.lost_since > latest else "I12"
                    self.fail(law, f"{daemon.name} has no outcome of {name} for {plan.name} since {sight.last:.1f} s")

    def _publishes(self, leader: str, now: float) -> None:
        """What the leader knows of the hosts of one Service is stored, whatever happens to another Service."""
        daemon = self.world.daemons[leader.split(".", maxsplit=1)[0]]
        settled = now - self.led_since[1] > PUBLISHED_SECONDS and daemon.alive and self._is_sound(daemon, now)
        if not settled or self.world.plan.limit or self.world.plan.observers:
            return
        for plan in self.world.services.values():
            if plan.role != "any" or plan.when_all_fail != "publishNone" or plan.named or keeps_silent_hosts(plan):
                continue
            if not self.was_held_back(plan.name) and is_calm(
                self.world.plan, now, self.world.services.keys() - {plan.name}
            ):
                for what in self._overdue(leader, plan, now):
                    if (leader, plan.name, what) not in self.told:
                        self.told.add((leader, plan.name, what))
                        self.fail("I12", what)

    def _overdue(self, leader: str, plan: ServicePlan, now: float) -> Iterator[str]:
        stored = lists(self.world.stored(plan.name) or {})
        ready, _ = stored if plan.publish == "endpoints" else together(self.world.slices(plan.name))
        for name in plan.hosts:
            address = self.world.address(name)
            held = self.evidence.get((leader, plan.name, address))
            if held is None or now - held.since < PUBLISHED_SECONDS:
                continue
            if held.surely is False and address in ready:
                yield f"{name} is still ready in {plan.name}, and {leader} knows better"
            flaps = plan.success > 1  # then the Service holds flappers out
            if held.surely is True and address not in ready and not (flaps or self.was_held_back(plan.name, name)):
                yield f"{name} is not yet ready in {plan.name}, and {leader} knows better"
