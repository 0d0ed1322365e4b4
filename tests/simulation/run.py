"""Runs simulated worlds.

``python -m simulation.run worlds FIRST COUNT`` ends by 1 where one broke a law, and tells it as a story.
``python -m simulation.run digest SEED`` prints what tells one log of a world from another.
``python -m simulation.run planted BUG COUNT [FIRST [STEP]]`` plants a bug, and ends by 1 where no world of so many
shows it; with a step of 20 all of these worlds are of one kind.
``python -m simulation.run story BUG SEED`` plants a bug, and tells how that world shows it.
``python -m simulation.run bugs`` lists the bugs.
"""

from __future__ import annotations

import gc
import sys
import time

from mooring.observe import log
from simulation import planted_elsewhere, planted_judging, planted_kinds, planted_publishing, stage
from simulation.bugs import BUGS
from simulation.judges import Judge, Violation
from simulation.kernel import SpinError
from simulation.kinds import draw
from simulation.plan import Plan
from simulation.story import shrink, tell
from simulation.world import SimulatedWorld

PLANTED = (planted_judging, planted_publishing, planted_kinds, planted_elsewhere)
"""Their import fills ``BUGS``."""
TRIES = 40
MISFIT = "argument"
"""In the words of a TypeError: what a bug replaces is called otherwise by now, so that it shows nothing."""


def _say(*lines: object) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


class _ShownError(Exception):
    """A law was broken, and nobody asks for more."""


def run(plan: Plan, *, whole: bool = True) -> tuple[SimulatedWorld, list[Violation]]:
    """One world, from its begin to its end, and the laws that were broken in it. ``whole``: it goes on after one is."""
    gc.collect()
    world = SimulatedWorld(plan, Judge)
    judge: Judge = world.judge

    def count() -> None:
        judge.second()
        if judge.violations and not whole:
            raise _ShownError
        world.kernel.at(world.kernel.now + 1.0, count)

    world.kernel.at(1.0, count)
    try:
        world.run()
        judge.end()
    except SpinError as error:
        judge.fail("spins", str(error))
    except _ShownError:
        pass
    world.kernel.close()
    return world, judge.violations


def _worlds(first: int, count: int) -> int:
    writes = failovers = stale = 0
    begun = time.process_time()
    for seed in range(first, first + count):
        plan = draw(seed)
        world, violations = run(plan)
        judge: Judge = world.judge
        writes, failovers, stale = writes + len(judge.writes), failovers + judge.failovers, stale + judge.stale
        if violations:
            _tell(plan, violations)
            return 1
    found = f"{writes} writes, {failovers} leader failovers, {stale} stale writes"
    _say(f"{count} worlds from {first}, {found}, {time.process_time() - begun:.0f} s of CPU: no law is broken")
    return 0


def _tell(plan: Plan, violations: list[Violation]) -> None:
    shorter = shrink(plan, violations[0].law, run, TRIES)
    _say(tell(shorter, *run(shorter)))


def _story(name: str, seed: int) -> int:
    BUGS[name]()
    violations = run(draw(seed))[1]
    if violations:
        _tell(draw(seed), violations)
    return int(bool(violations))


def _planted(name: str, count: int, first: int = 1, step: int = 1) -> int:
    BUGS[name]()
    begun = time.process_time()
    for seed in range(first, first + count * step, step):
        world, violations = run(draw(seed), whole=False)
        if misfits := [defect for defect in world.defects if MISFIT in defect]:
            _say(f"{name} | does not fit the code | {misfits[0]}"[:240])
            return 1
        if violations:
            took = time.process_time() - begun
            _say(f"{name} | {seed} | {took:.0f} s | {violations[0]}"[:240])
            return 0
    _say(f"{name} | not found | {time.process_time() - begun:.0f} s | in {count} worlds")
    return 1


def main(what: str, *given: str) -> int:
    if what == "bugs":
        _say("\n".join(BUGS))
        return 0
    stage.set_up()
    log.configure("json", "critical")
    gc.disable()
    gc.freeze()  # what is imported is no garbage of a world
    if what == "worlds":
        return _worlds(int(given[0]), int(given[1]))
    if what == "planted":
        return _planted(given[0], *map(int, given[1:]))
    if what == "story":
        return _story(given[0], int(given[1]))
    _say(run(draw(int(given[0])))[0].trace.digest())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
