"""Judges the votes on silence: where the replicas vote, the silence of a host that most of them see takes it not out.

What it asks is weaker than what Mooring promises, so that nothing depends on who read which Lease when: the others must
have seen the host for a while, through a network and an API server that were sound.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from simulation.plan import Plan, Step
from simulation.steps import BETWEEN

LONG = 30.0
"""How long a replica has seen a host without a break, in seconds, before its voice is demanded."""
CALM = 40.0
"""For so long nothing has happened to daemons, to the API server or to the ways there."""
HARMLESS = {"cut", "mode", "slow", "switchover", "split-brain", "lag", "drained", "paused", "maintenance"}
"""Kinds of steps that keep no replica from its vote, but for a cut from the API server."""


@dataclass
class Sight:
    """The present row of equal outcomes of one host at one daemon, as ``judges.kind_of`` names them."""

    kind: str = ""
    before: str = ""
    """The kind of the row before it."""
    since: float = 0.0
    last: float = 0.0
    seen: float = 0.0
    """When the host last answered as it should."""

    def take(self, kind: str, now: float) -> None:
        if kind != self.kind:
            self.kind, self.before, self.since = kind, self.kind, now
        self.last = now
        if kind == "+":
            self.seen = now


def is_calm(plan: Plan, now: float, elsewhere: Collection[str] = ()) -> bool:
    """Whether every replica can vote, and read what others vote; what happens to ``elsewhere`` does not matter."""

    def hinders(step: Step) -> bool:
        return step.who not in elsewhere and (step.kind not in HARMLESS or step.who.endswith(f"{BETWEEN}api"))

    return not any(hinders(one) and one.at <= now <= one.at + one.lasts + CALM for one in plan.steps)


def is_outvoted(mine: Sight, others: Iterable[Sight], replicas: int, now: float) -> bool:
    """Whether only silence speaks against the host, and at least half of the replicas have seen it meanwhile."""
    if (mine.kind, mine.before) != ("~", "+"):
        return False
    sees = [one for one in others if one.kind == "+" and one.since < now - LONG and one.last > mine.since + 1.0]
    return 2 * len(sees) >= replicas


def of_others(
    sights: Mapping[tuple[str, str, str], Sight], processes: Iterable[str], service: str, address: str
) -> list[Sight]:
    """How the processes see the host; who has not asked it yet is left out."""
    return [sights[process, service, address] for process in processes if (process, service, address) in sights]
