"""Worlds that are drawn for one part of Mooring each; of every twenty worlds these are six.

They are drawn apart from the ordinary ones, so that a new kind leaves all other worlds as they are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from simulation.plan import Plan, ServicePlan, Step
from simulation.plans import QUIET_SECONDS, SECONDS, draw_ordinary, draw_service
from simulation.steps import BETWEEN

BATCH = 20
ALONE_UNTIL = 100.0
"""Until then nothing happens in a world with votes but that the leader has a bad network, in seconds."""
MANY = 12
"""Databases of a world with a limit of demotions, which counts from ten ready hosts up."""
LIMITS = ((20, 20.0), (34, 30.0), (50, 20.0))
"""Percent, and the window in seconds."""
CALM_UNTIL = 200.0
"""Until then nothing else happens there, in seconds."""
SEVERAL = ("one", "two", "three")


def draw(seed: int, seconds: float = SECONDS) -> Plan:
    plan = draw_ordinary(seed, seconds)
    if seed % BATCH not in KINDS:
        return plan
    name, kind = KINDS[seed % BATCH]
    return kind(plan, random.Random(f"{name} {seed}"))


def _with_votes(plan: Plan, chance: random.Random) -> Plan:
    """The replicas vote; one of them has a bad network, and later a host comes back while nobody leads."""
    if len(plan.daemons) == 1:
        return plan
    first = draw_service(chance, plan.services[0].name, plan.databases)
    first = replace(first, hosts=plan.databases, role="any", period=1.0, when_all_fail="publishNone")
    later = (step for step in plan.steps if step.at > ALONE_UNTIL)
    steps = (*later, *_bad_network(chance, plan), *_comes_back_unled(chance, plan))
    return replace(plan, observers=True, services=(first, *plan.services[1:]), steps=tuple(sorted(steps)))


def _bad_network(chance: random.Random, plan: Plan) -> Iterator[Step]:
    """One replica loses its way to one host and another, before anything else happens and in the midst of it.

    ``one`` is the first that leads.
    """
    again = round(chance.uniform(ALONE_UNTIL, plan.seconds - QUIET_SECONDS - 90.0), 3)
    for at, who in ((40.0, "one"), (again, chance.choice(plan.daemons))):
        way = f"{who}{BETWEEN}{chance.choice(plan.databases)}"
        how = chance.choice(("both", "there", "back"))
        yield Step(at, "cut", way, round(chance.uniform(20.0, 50.0), 3), how)


def _comes_back_unled(chance: random.Random, plan: Plan) -> Iterator[Step]:
    """The daemons but the last are killed, and start again once another leads; meanwhile a refused host returns."""
    ends = plan.seconds - QUIET_SECONDS
    yield Step(ends - 75.0, "mode", chance.choice(plan.services[0].hosts), 25.0 + chance.uniform(0.5, 3.0), "refuses")
    for who in plan.daemons[:-1]:
        yield Step(ends - 50.0, "killed", who, 49.0)


def _with_a_limit(plan: Plan, chance: random.Random) -> Plan:
    """``--max-demotions``: many hosts fall silent at once, and most come back before all of them may leave."""
    databases = tuple(f"db{number}" for number in range(1, MANY + 1))
    first = replace(draw_service(chance, plan.services[0].name, databases), hosts=databases, role="any")
    first = replace(first, period=chance.choice((2.0, 5.0)), failure=2, when_all_fail="publishNone")
    gone = {one.name for one in plan.services[1:]}
    later = (step for step in plan.steps if step.at > CALM_UNTIL)
    steps = [step for step in later if step.who not in gone and step.kind not in OF_THE_ROLE]
    for at in (60.0, 180.0, 300.0):
        for who in chance.sample(databases, chance.randint(4, 9)):
            lasts = chance.uniform(15.0, 110.0)
            steps.append(Step(round(at + chance.uniform(0.0, 4.0), 3), "mode", who, round(lasts, 3), "off"))
    daemons = plan.daemons[:2]
    return replace(_fitting(plan, daemons, steps), databases=databases, services=(first,), limit=chance.choice(LIMITS))


def _with_slices(plan: Plan, chance: random.Random) -> Plan:
    """Own EndpointSlices, with the Endpoints or in their stead."""
    services = tuple(replace(one, publish=chance.choice(("endpointSlices", "both"))) for one in plan.services)
    return replace(plan, services=services)


def _with_rivals(plan: Plan, chance: random.Random) -> Plan:
    """Two installations keep one Service, each by a file of its own; their daemons share nothing but the cluster."""
    databases = plan.databases if len(plan.databases) > 2 else (*plan.databases, "db3")
    daemons, rates = SEVERAL[: chance.choice((2, 3))], (*plan.rates, 1.0, 1.02)
    name = plan.services[0].name
    first = replace(draw_service(chance, name, databases), hosts=databases[:-1], role="any")
    theirs = replace(draw_service(chance, name, databases), hosts=databases[1:], role="any")
    first, theirs = (replace(one, when_all_fail="publishNone") for one in (first, theirs))
    ours = (first, *(replace(one, role="any") for one in plan.services[1:]))
    steps = _fitting(plan, daemons, plan.steps).steps
    kept = tuple(step for step in steps if step.kind not in OF_THE_FILE)
    return replace(
        plan,
        daemons=daemons,
        databases=databases,
        rates=rates[: len(daemons)],
        services=ours,
        steps=kept,
        election=True,
        rivals=daemons[-1:],
        theirs=(theirs,),
    )


def _with_names(plan: Plan, chance: random.Random) -> Plan:
    """The file lists names: what they hold changes, and name servers fail, lie and are slow."""
    first = replace(draw_service(chance, plan.services[0].name, plan.databases), named=True, hosts=plan.databases)
    first = replace(first, role="any", when_all_fail="publishNone")
    steps = [step for step in plan.steps if (step.who, step.kind in OF_A_HOST) != (first.name, True)]
    for at in (30.0, 150.0, 280.0):
        moment, lasts = round(at + chance.uniform(0.0, 60.0), 3), round(chance.uniform(8.0, 50.0), 3)
        steps += [Step(moment, "name-moves", first.name, 0.0, _some(chance, plan.databases))]
        steps += [Step(round(moment + chance.uniform(-5.0, 15.0), 3), "name-fails", chance.choice(plan.daemons), lasts)]
        shown = chance.choice(("", "", _some(chance, plan.databases)))
        steps += [Step(round(moment + chance.uniform(20.0, 40.0), 3), "name-lies", first.name, 4.0, shown)]
    return replace(plan, services=(first, *plan.services[1:]), steps=tuple(sorted(steps)))


def _with_neighbours(plan: Plan, chance: random.Random) -> Plan:
    """Two Services share no host: what happens to the first, or to the API server, delays nothing of the second."""
    databases = tuple(f"db{number}" for number in range(1, 6))
    drawn = (draw_service(chance, name, databases) for name in ("orders", "users"))
    troubled, sound = (replace(one, role="any", when_all_fail="publishNone") for one in drawn)
    troubled, sound = replace(troubled, hosts=databases[:2]), replace(sound, hosts=databases[2:], success=1, failure=2)
    steps: list[Step] = []
    for at in (50.0, 140.0, 300.0, 390.0):
        steps += _trouble(chance, troubled, at + chance.uniform(0.0, 5.0))
        steps.append(Step(at + 8.0, "mode", chance.choice(sound.hosts), 28.0, "refuses"))
    lost = 230.0 + chance.uniform(0.0, 5.0)
    steps.append(Step(lost, "api-frozen", "api", chance.choice((4.0, 9.0, 25.0))))
    steps += [Step(lost + chance.uniform(0.2, 2.0), "mode", host, 45.0, "refuses") for host in sound.hosts]
    daemons = plan.daemons[:2]
    return replace(_fitting(plan, daemons, steps), databases=databases, services=(troubled, sound))


def _trouble(chance: random.Random, plan: ServicePlan, at: float) -> list[Step]:
    """The Service is gone, its hosts hang or are off, or somebody edits its Endpoints again and again."""
    kind = chance.choice(("service-gone", "hangs", "off", "edited"))
    if kind == "service-gone":
        return [Step(at, kind, plan.name, 45.0)]
    if kind == "edited":
        return [Step(at + 3.0 * turn, kind, plan.name, 0.0, plan.hosts[turn % 2]) for turn in range(14)]
    return [Step(at, "mode", host, 45.0, kind) for host in plan.hosts]


def _some(chance: random.Random, databases: tuple[str, ...]) -> str:
    return ",".join(sorted(chance.sample(databases, chance.randint(1, len(databases)))))


def _fitting(plan: Plan, daemons: tuple[str, ...], steps: list[Step] | tuple[Step, ...]) -> Plan:
    """The plan with these daemons, and with those steps that are about nobody else."""
    gone = set(SEVERAL) - set(daemons)
    kept = sorted(step for step in steps if not gone & set(step.who.split(BETWEEN)))
    return replace(plan, daemons=daemons, rates=plan.rates[: len(daemons)], steps=tuple(kept))


OF_THE_ROLE = frozenset({"switchover", "split-brain", "lag"})
OF_A_HOST = frozenset({"drained", "maintenance", "edited"})
OF_THE_FILE = OF_A_HOST | OF_THE_ROLE | {"paused"}
Kind = Callable[[Plan, random.Random], Plan]
KINDS: Mapping[int, tuple[str, Kind]] = {
    4: ("neighbours", _with_neighbours),
    6: ("votes", _with_votes),
    11: ("limit", _with_a_limit),
    13: ("slices", _with_slices),
    16: ("rivals", _with_rivals),
    18: ("names", _with_names),
}
"""By the number of the world in its twenty."""
