"""What can happen in a simulated world: each kind of step, and what undoes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from simulation.files import name_of

if TYPE_CHECKING:
    from simulation.plan import Step
    from simulation.world import SimulatedWorld

Do = Callable[["SimulatedWorld", "Step"], Callable[[], None] | None]
"""Does it; returns what undoes it."""
BETWEEN = "|"
"""Between the two ends of a link."""


def perform(world: SimulatedWorld, step: Step) -> None:
    """Puts the step and its end into the world's time."""

    def begin() -> None:
        world.trace.add(world.kernel.now, "world", f"{step.kind} {step.who} {step.more}".rstrip())
        undo = KINDS[step.kind](world, step)
        if undo is not None:
            world.kernel.at(world.kernel.now + step.lasts, lambda: _end(world, step, undo))

    world.kernel.at(step.at, begin)


def _end(world: SimulatedWorld, step: Step, undo: Callable[[], None]) -> None:
    world.trace.add(world.kernel.now, "world", f"{step.kind} {step.who} ends")
    undo()


def _mode(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    database = world.databases[step.who]
    database.become(mode=step.more)
    return lambda: database.become(mode="up")


def _slow(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    database = world.databases[step.who]
    database.become(slow=float(step.more))
    return lambda: database.become(slow=0.0)


def _switchover(world: SimulatedWorld, step: Step) -> None:
    """Another database becomes the primary; for a moment there is none."""
    for database in world.databases.values():
        database.become(primary=False, lag=0.0)
    world.kernel.at(world.kernel.now + float(step.more), lambda: world.databases[step.who].become(primary=True))


def _split_brain(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    database = world.databases[step.who]
    was = database.state.primary
    database.become(primary=True)
    return lambda: database.become(primary=was)


def _lag(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    database = world.databases[step.who]
    database.become(lag=float(step.more))
    return lambda: database.become(lag=0.0)


def _cut(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    one, other = step.who.split(BETWEEN)
    ways = {"both": ((one, other), (other, one)), "there": ((one, other),), "back": ((other, one),)}[step.more]
    for way in ways:
        world.network.cut(*way)

    def undo() -> None:
        for way in ways:
            world.network.heal(*way)

    return undo


def _cut_off(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    """A daemon loses its way to all databases at once."""
    for name in world.databases:
        world.network.cut(step.who, name)

    def undo() -> None:
        for name in world.databases:
            world.network.heal(step.who, name)

    return undo


def _no_route(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    """``connect()`` itself fails on a daemon's machine, as without a route."""
    world.network.without_route.add(step.who)
    return lambda: world.network.without_route.discard(step.who)


def _delay(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    one, other = step.who.split(BETWEEN)
    for way in ((one, other), (other, one)):
        world.network.delays[way] = world.network.delays.get(way, 0.0) + float(step.more)

    def undo() -> None:
        for way in ((one, other), (other, one)):
            world.network.delays[way] -= float(step.more)

    return undo


def _api_frozen(world: SimulatedWorld, _step: Step) -> Callable[[], None]:
    world.api.freeze()
    return world.api.thaw


def _api_trouble(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    kind, _, chance = step.more.partition("=")
    world.api.troubles[kind] = world.api.troubles.get(kind, 0.0) + float(chance)

    def undo() -> None:
        world.api.troubles[kind] -= float(chance)

    return undo


def _watches_dropped(world: SimulatedWorld, _step: Step) -> None:
    world.api.drop_watches()


def _history_forgotten(world: SimulatedWorld, _step: Step) -> None:
    world.api.forget_history()


def _frozen(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    machine = world.daemons[step.who].machine
    machine.freeze()
    return _letting_go(world, step, machine.thaw)


def _letting_go(world: SimulatedWorld, step: Step, let_go: Callable[[], None]) -> Callable[[], None]:
    def undo() -> None:
        world.stood_still[step.who] = world.kernel.now
        let_go()

    return undo


def _suspended(world: SimulatedWorld, step: Step) -> Callable[[], None] | None:
    machine = world.daemons[step.who].machine
    if machine.suspended:
        return None
    machine.suspend()
    return _letting_go(world, step, machine.resume)


def _killed(world: SimulatedWorld, step: Step) -> Callable[[], None] | None:
    daemon = world.daemons[step.who]
    if not daemon.alive:
        return None
    daemon.kill()
    return daemon.start


def _ended(world: SimulatedWorld, step: Step) -> Callable[[], None] | None:
    """SIGTERM; at the end of the step whatever is left is killed, and a new process starts."""
    daemon = world.daemons[step.who]
    if not daemon.alive:
        return None
    daemon.stop()

    def again() -> None:
        daemon.kill()
        daemon.start()

    return again


def _clock_set(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    machine = world.daemons[step.who].machine
    machine.wall_offset += float(step.more)

    def undo() -> None:
        machine.wall_offset -= float(step.more)

    return undo


def _no_threads(world: SimulatedWorld, step: Step) -> Callable[[], None] | None:
    process = world.daemons[step.who].process
    if process is None:
        return None
    process.most_tasks = process.tasks

    def undo() -> None:
        process.most_tasks = 10_000

    return undo


def _edited(world: SimulatedWorld, step: Step) -> None:
    """Somebody writes another set of addresses, and labels and annotations of their own."""
    ready = [{"ip": world.address(name)} for name in step.more.split(",") if name]
    subsets = [{"addresses": ready, "ports": [{"name": "db", "port": 6379, "protocol": "TCP"}]}] if ready else []
    mark = {"team": f"since-{step.at:g}"}
    theirs = {"labels": mark, "annotations": mark}
    if world.services[step.who].publish != "endpointSlices":
        world.edit("PATCH", f"endpoints/{step.who}", {"metadata": theirs, "subsets": subsets})
    endpoints = [{"addresses": [one["ip"]], "conditions": {"ready": True}} for one in ready]
    for held in world.slices(step.who):
        world.edit("PATCH", f"endpointslices/{held['metadata']['name']}", {"metadata": theirs, "endpoints": endpoints})


def _deleted(world: SimulatedWorld, step: Step) -> None:
    world.edit("DELETE", f"endpoints/{step.who}", None)
    for held in world.slices(step.who):
        world.edit("DELETE", f"endpointslices/{held['metadata']['name']}", None)


def _service_gone(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    """A Service is deleted with its Endpoints and slices, as the cluster does, and made again."""
    world.edit("DELETE", f"services/{step.who}", None)
    _deleted(world, step)
    return lambda: world.make_service(step.who)


def _annotated(annotation: str) -> Do:
    def do(world: SimulatedWorld, step: Step) -> Callable[[], None]:
        def annotate(value: str | None) -> None:
            world.edit("PATCH", f"services/{step.who}", {"metadata": {"annotations": {annotation: value}}})

        annotate(step.more)
        if annotation == "mooring/paused":
            world.paused_since[step.who] = world.kernel.now
        elif annotation == "mooring/drain":
            world.taken_out[step.who, step.more] = world.kernel.now
        return lambda: annotate(None)

    return do


def _maintenance(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    """The file is edited; each daemon reads it a moment later."""
    world.change_file(step.who, lambda plan: plan.maintenance | {step.more})
    return lambda: world.change_file(step.who, lambda plan: plan.maintenance - {step.more})


def _name_moves(world: SimulatedWorld, step: Step) -> None:
    world.point(step.who, step.more.split(","))


def _name_fails(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    """The name servers do not answer this daemon."""
    world.names.silent.add(step.who)
    return lambda: world.names.silent.discard(step.who)


def _name_lies(world: SimulatedWorld, step: Step) -> Callable[[], None]:
    """For a moment the name servers list only a part of the addresses, or none."""
    name = name_of(world.services[step.who])
    world.names.lie(name, [world.address(one) for one in step.more.split(",") if one])
    return lambda: world.names.tell_the_truth(name)


KINDS: Mapping[str, Do] = {
    "mode": _mode,
    "slow": _slow,
    "switchover": _switchover,
    "split-brain": _split_brain,
    "lag": _lag,
    "cut": _cut,
    "cut-off": _cut_off,
    "no-route": _no_route,
    "delay": _delay,
    "api-frozen": _api_frozen,
    "api-trouble": _api_trouble,
    "watches-dropped": _watches_dropped,
    "history-forgotten": _history_forgotten,
    "frozen": _frozen,
    "suspended": _suspended,
    "killed": _killed,
    "ended": _ended,
    "clock-set": _clock_set,
    "no-threads": _no_threads,
    "edited": _edited,
    "deleted": _deleted,
    "service-gone": _service_gone,
    "drained": _annotated("mooring/drain"),
    "paused": _annotated("mooring/paused"),
    "maintenance": _maintenance,
    "name-moves": _name_moves,
    "name-fails": _name_fails,
    "name-lies": _name_lies,
}
