"""How many hosts silence alone may take out: ``keepOnSilence`` of a Service, and ``--max-demotions`` of all.

``keepOnSilence``: a host that has only been silent in its present streak leaves while so many others serve; else it
stays until one comes back, or until it says something itself, as by a refusal.

``--max-demotions PERCENT/WINDOW``, over all Services:

ready hosts, with those that silence took out within the window | after this one, silence took out | the host
----------------------------------------------------------------+----------------------------------+----------------------
fewer than ``FEWEST``                                           | any number                       | leaves
``FEWEST`` or more                                              | at most PERCENT of them          | leaves
``FEWEST`` or more                                              | more                             | stays (<= WINDOW)

Hosts are counted by their probed address. A host of a Service with ``role: primary`` counts, and is never held.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from mooring.model.damping import DemotionLimit, Floor

FEWEST = 10
"""With fewer hosts a part of them says little: two of four may well fail together."""


def stays_for_floor(floor: Floor, serving: int, listed: int) -> bool:
    """Whether a silent host that serves stays. ``serving`` hosts, with it, of ``listed`` ones not in maintenance."""
    return serving - 1 < floor.of(listed)


@dataclass(slots=True)
class SilentDemotions:
    """The hosts that silence took out lately; times are monotonic seconds."""

    limit: DemotionLimit | None = None
    left: dict[str, float] = field(default_factory=dict)
    """The probed address of each, and when it left last."""

    def holds(self, address: str, ready: AbstractSet[str], held_since: float | None, now: float) -> bool:
        """Whether the host stays for now. ``ready``: addresses of all ready hosts; ``held_since``: if it is held."""
        if self.limit is None or (held_since is not None and now >= held_since + self.limit.window):
            return False
        lately = {one for one, at in self.left.items() if now < at + self.limit.window}
        hosts = lately | ready
        return len(hosts) >= FEWEST and 100 * len(lately | {address}) > self.limit.percent * len(hosts)

    def note(self, address: str, now: float) -> None:
        """Silence has just taken out the host."""
        if self.limit is not None:
            self.left = {one: at for one, at in self.left.items() if now < at + self.limit.window} | {address: now}
