"""A world that broke a law, made as short as possible, and told as a story."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from simulation.judges import Violation
from simulation.plan import Plan, Step
from simulation.steps import BETWEEN
from simulation.world import SimulatedWorld

LINES = 25
"""How much of the log is shown before the moment at which the law was broken."""
Run = Callable[[Plan], tuple[SimulatedWorld, list[Violation]]]


def shrink(plan: Plan, law: str, run: Run, tries: int) -> Plan:
    """A plan with fewer steps that breaks the same law; at most so many worlds are tried."""
    size = max(1, len(plan.steps) // 2)
    while size and tries:
        start = 0
        while start < len(plan.steps) and tries:
            shorter = replace(plan, steps=plan.steps[:start] + plan.steps[start + size :])
            tries -= 1
            if any(one.law == law for one in run(shorter)[1]):
                plan = shorter
            else:
                start += size
        size //= 2
    return plan


def tell(plan: Plan, world: SimulatedWorld, violations: Sequence[Violation]) -> str:
    broken = violations[0]
    who = f"{len(plan.daemons)} daemon(s) keep {len(plan.services)} Service(s) of {len(plan.databases)} database(s)."
    services = [
        f"{one.name}: {', '.join(one.hosts)}; role {one.role}, every {one.period:g} s within {one.timeout:g} s, "
        f"{one.success} successes, {one.failure} failures, {one.when_all_fail}"
        for one in plan.services
    ]
    steps = [f"at {step.at:.3f} s: {_sentence(step)}" for step in plan.steps]
    lines = [line for line in world.trace.lines(leases=False) if float(line.split()[0]) <= broken.at][-LINES:]
    parts = [
        f"World {plan.seed}. {who}",
        *services,
        "",
        *steps,
        "",
        *(line[:240] for line in lines),
        "",
        *map(str, violations[:3]),
    ]
    return "\n".join(parts)


def _sentence(step: Step) -> str:
    for_a_while = f" for {step.lasts:g} s" if step.lasts else ""
    who = " and ".join(step.who.split(BETWEEN))
    if step.kind == "cut":
        way = {"both": "both ways", "there": "towards the second", "back": "towards the first"}[step.more]
        return f"the way between {who} is cut, {way},{for_a_while}"
    what = f" {step.more}" if step.more else ""
    return f"{step.kind} {who}{what}{for_a_while}"
