"""The trial of new ports of a Service: Mooring publishes them only once a host has answered there.

Meanwhile Mooring probes, judges and publishes the old port. Then one write changes all, and a host that has not
answered at the new port is not ready.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mooring.judge.members import Expanded
from mooring.judge.service import ServiceHealth
from mooring.model.spec import ServiceSpec


@dataclass(slots=True)
class Trial:
    """``health`` judges only the new hosts, and those whose probed port changes."""

    spec: ServiceSpec
    expanded: Expanded
    health: ServiceHealth

    def succeeded(self, main: ServiceHealth) -> bool:
        """Whether a host is ready there and, while one still serves at the old ports, each has had an outcome."""
        ready = any(one.ready for one in self.health.trackers.values())
        serving = any(one.ready and not one.member.host.maintenance for one in main.trackers.values())
        return ready and (not serving or all(one.heard for one in self.health.trackers.values()))

    def end(self, main: ServiceHealth) -> None:
        """Gives the Service its new ports."""
        for address, tracker in self.health.trackers.items():
            if address in main.trackers:
                tracker.record.follow_on(main.trackers[address].record)
        main.trackers |= self.health.trackers
        main.set_members(self.spec, self.expanded)


def is_moved(before: Expanded, after: Expanded) -> bool:
    """Whether an address is new, or its probed port changes."""
    return bool(_moved_addresses(before, after))


def trial_of(spec: ServiceSpec, after: Expanded, before: Expanded, running: Trial | None) -> Trial:
    """The trial of these ports; ``running``, a trial of the same ports, hands its verdicts on."""
    moved = replace(
        after, members=tuple(one for one in after.members if one.address in _moved_addresses(before, after))
    )
    health = running.health if running else ServiceHealth(spec, seeded=True)
    health.set_members(spec, replace(moved, waiting=()))
    return Trial(spec, after, health)


def _moved_addresses(before: Expanded, after: Expanded) -> frozenset[str]:
    old = {member.address: member.target for member in before.members}
    return frozenset(one.address for one in after.members if old.get(one.address) != one.target)
