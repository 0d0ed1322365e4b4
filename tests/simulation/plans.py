"""Draws an ordinary world from a seed: who is in it, and what happens to whom when."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from simulation.plan import Plan, ServicePlan, Step
from simulation.steps import BETWEEN

SECONDS = 600.0
QUIET_SECONDS = 150.0
"""At the end of each world nothing more happens, and all is sound."""
TROUBLES = ("429", "500", "503", "lost-reply", "hang", "slow", "late-event", "doubled-event")
LASTS = (0.05, 0.3, 1.0, 3.0, 8.0, 20.0, 60.0)
"""About how long something lasts, in seconds."""
MODES = ("refuses", "off", "hangs", "resets", "loading", "locked-out")

Cast = tuple[tuple[str, ...], tuple[str, ...], tuple[ServicePlan, ...]]
"""Daemons, databases, Services."""


def draw_ordinary(seed: int, seconds: float = SECONDS) -> Plan:
    chance = random.Random(seed)
    daemons = ("one", "two", "three")[: chance.choice((1, 2, 2, 3, 3))]
    databases = tuple(f"db{number}" for number in range(1, chance.choice((2, 3, 3, 4, 5)) + 1))
    names = ("orders", "users", "carts")[: chance.choice((1, 1, 2, 3))]
    services = tuple(draw_service(chance, name, databases) for name in names)
    ends = seconds - QUIET_SECONDS
    # Few kinds in one world meet each other more often than all of them (swarm testing, Groce et al. 2012).
    kinds = tuple(chance.sample(tuple(DRAWS), chance.choice((2, 3, 3, 4, 6, len(DRAWS)))))
    many = chance.randint(4, 40)
    steps = sorted(_step(chance, ends, kinds, (daemons, databases, services)) for _ in range(many))
    rates = tuple(chance.uniform(0.95, 1.05) for _ in daemons)
    preempts = chance.choice((0.0, 0.01, 0.05))
    elects = len(daemons) > 1 or chance.random() < 0.5
    return Plan(seed, seconds, daemons, databases, services, tuple(steps), rates, preempts, elects)


def draw_service(chance: random.Random, name: str, databases: tuple[str, ...]) -> ServicePlan:
    hosts = tuple(sorted(chance.sample(databases, chance.randint(1, len(databases)))))
    role = chance.choice(("any", "any", "primary", "replica"))
    return ServicePlan(
        name,
        hosts,
        role,
        period=chance.choice((0.5, 1.0, 2.0, 5.0)),
        timeout=chance.choice((0.3, 0.5)),
        success=chance.choice((1, 2, 3)),
        failure=chance.choice((1, 2, 3, 5)),
        when_all_fail=chance.choice(("publishNone", "publishNone", "keepLast")),
    )


def _step(chance: random.Random, ends: float, kinds: tuple[str, ...], who_is_there: Cast) -> Step:
    kind = chance.choice(kinds)
    at = chance.uniform(5.0, ends - 5.0)
    lasts = min(ends - at, chance.choice(LASTS) * chance.uniform(0.5, 1.5))
    who, more = DRAWS[kind](chance, *who_is_there)
    return Step(round(at, 3), kind, who, round(lasts, 3), more)


Draw = Callable[[random.Random, tuple[str, ...], tuple[str, ...], tuple[ServicePlan, ...]], tuple[str, str]]


def _link(chance: random.Random, daemons: tuple[str, ...], databases: tuple[str, ...]) -> str:
    return f"{chance.choice(daemons)}{BETWEEN}{chance.choice((*databases, 'api', 'api'))}"


def _edit(chance: random.Random, databases: tuple[str, ...]) -> str:
    return ",".join(sorted(chance.sample(databases, chance.randint(0, len(databases)))))


def _drained(chance: random.Random, plan: ServicePlan) -> str:
    return chance.choice(plan.hosts)


DRAWS: Mapping[str, Draw] = {
    "mode": lambda c, _, dbs, __: (c.choice(dbs), c.choice(MODES)),
    "slow": lambda c, _, dbs, __: (c.choice(dbs), str(c.choice((0.1, 0.4, 2.0)))),
    "switchover": lambda c, _, dbs, __: (c.choice(dbs), str(c.choice((0.1, 1.0, 5.0)))),
    "split-brain": lambda c, _, dbs, __: (c.choice(dbs), ""),
    "lag": lambda c, _, dbs, __: (c.choice(dbs), "100"),
    "cut": lambda c, ds, dbs, _: (_link(c, ds, dbs), c.choice(("both", "both", "there", "back"))),
    "cut-off": lambda c, ds, *_: (c.choice(ds), ""),
    "no-route": lambda c, ds, *_: (c.choice(ds), ""),
    "delay": lambda c, ds, dbs, _: (_link(c, ds, dbs), str(c.choice((0.05, 0.2, 0.6, 3.0)))),
    "api-frozen": lambda *_: ("api", ""),
    "api-trouble": lambda c, *_: ("api", f"{c.choice(TROUBLES)}={c.choice((0.1, 0.5))}"),
    "watches-dropped": lambda *_: ("api", ""),
    "history-forgotten": lambda *_: ("api", ""),
    "frozen": lambda c, ds, *_: (c.choice(ds), ""),
    "suspended": lambda c, ds, *_: (c.choice(ds), ""),
    "killed": lambda c, ds, *_: (c.choice(ds), ""),
    "ended": lambda c, ds, *_: (c.choice(ds), ""),
    "clock-set": lambda c, ds, *_: (c.choice(ds), str(c.choice((-3600.0, -5.0, 5.0, 3600.0)))),
    "no-threads": lambda c, ds, *_: (c.choice(ds), ""),
    "edited": lambda c, _, dbs, services: (c.choice(services).name, _edit(c, dbs)),
    "deleted": lambda c, _, __, services: (c.choice(services).name, ""),
    "service-gone": lambda c, _, __, services: (c.choice(services).name, ""),
    "drained": lambda c, _, __, services: _with_host(c, services, _drained),
    "paused": lambda c, _, __, services: (c.choice(services).name, "by=somebody"),
    "maintenance": lambda c, _, __, services: _with_host(c, services, lambda ch, one: ch.choice(one.hosts)),
}


def _with_host(
    chance: random.Random, services: tuple[ServicePlan, ...], of: Callable[[random.Random, ServicePlan], str]
) -> tuple[str, str]:
    plan = chance.choice(services)
    return plan.name, of(chance, plan)
