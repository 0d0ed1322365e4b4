"""How often each target logs in beside its held session, so that all targets together stay within a budget.

Full logins are the dearest probes, for Mooring and for the servers. Where ``loginSeconds`` is the default, they may be
1.5 % of all probes, or 15 a second where that is more: up to 150 accounts nothing changes. A ``loginSeconds`` of the
file is kept, up to 50 logins a second over all.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from mooring.judge.common_cause import credentials_key
from mooring.model.probes import Observation
from mooring.model.spec import ProbeTimings
from mooring.model.targets import Target
from mooring.protocols.registry import PROTOCOLS

SHARE = 0.015
"""Full logins for each probe, where ``loginSeconds`` is the default."""
LEAST_A_SECOND = 15.0
"""So many such logins a second are made in any case."""
SPREAD = (0.9, 1.1)
"""Parts of the interval between which each wait is drawn."""
MOST_A_SECOND = 50.0
"""Full logins beside held sessions, of all targets together."""


@dataclass(frozen=True, slots=True)
class LoginPace:
    """Seconds between the full logins of a target."""

    interval: float
    """While they succeed."""
    retry_base: float
    """What the retries are measured by once one has failed: the budget does not stretch it."""
    for_others: float = 0.0
    """Within which every target with the same credentials has logged in once, where the budget stretches that."""

    def no_later(self, login_at: float, now: float) -> float:
        """When a login that was due at ``login_at`` is due by this pace; those of many targets are spread."""
        if login_at <= now + SPREAD[1] * self.interval:
            return login_at
        return now + random.uniform(0.0, SPREAD[1]) * self.interval  # noqa: S311 -- no secret

    def patience_after(self, login: Observation) -> float:
        """Seconds without a completed login after which an answer over the held session proves nothing.

        A failure with a cause may be common to all: it proves nothing before the others had time to show theirs.
        """
        own = self.interval + self.retry_base
        return max(own, SPREAD[1] * self.interval + self.for_others) if login.cause else own


def account_key(target: Target) -> Hashable:
    """The same for all targets that share a held session: those with the same address, port and credentials.

    A target whose protocol logs in nowhere shares with nobody.
    """
    if PROTOCOLS[target.protocol].client.login is None:
        return target
    return (target.protocol, target.address, target.port, target.options.login_key())


def login_paces(timings: Mapping[Target, ProbeTimings]) -> dict[Target, LoginPace]:
    """The pace of each target that logs in. Those of one account share its logins, by the shortest interval."""
    sharing: dict[Hashable, list[Target]] = {}
    for target in timings:
        if (key := account_key(target)) is not target:
            sharing.setdefault(key, []).append(target)
    shortest = {key: min(timings[one].login for one in targets) for key, targets in sharing.items()}
    stated = {key: min(timings[one].login_stated for one in targets) for key, targets in sharing.items()}
    probes = sum(1 / timings[one].period for targets in sharing.values() for one in targets)
    default = sum(1 / login for key, login in shortest.items() if login < stated[key])
    over_budget = max(1.0, default / max(LEAST_A_SECOND, SHARE * probes))
    wanted = {key: min(stated[key], login * over_budget) for key, login in shortest.items()}
    over_all, unbudgeted = _over_all(wanted.values()), _over_all(shortest.values())
    paces = {
        key: LoginPace(wanted[key] * over_all, min(wanted[key] * over_all, login * unbudgeted))
        for key, login in shortest.items()
    }
    groups = {key: credentials_key(targets[0]) for key, targets in sharing.items()}
    slowest: dict[Hashable, float] = {}
    for key, pace in paces.items():
        if pace.interval > shortest[key]:
            seconds = SPREAD[1] * pace.interval + pace.retry_base
            slowest[groups[key]] = max(slowest.get(groups[key], 0.0), seconds)
    paces = {key: replace(pace, for_others=slowest.get(groups[key], 0.0)) for key, pace in paces.items()}
    return {one: paces[key] for key, targets in sharing.items() for one in targets}


def _over_all(intervals: Iterable[float]) -> float:
    """By what these intervals must be multiplied to keep to ``MOST_A_SECOND``."""
    return max(1.0, sum(1 / seconds for seconds in intervals) / MOST_A_SECOND)
