"""The engine under whatever servers may do, in random order, against what it promises at all times."""

from __future__ import annotations

import contextlib
import gc
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from support.engine_harness import SECONDS, Turns, of, turns
from support.fake_redis import PONG, Puppet, puppets

TIMEOUT = 0.5
BOUND = 2 * TIMEOUT + 0.05
"""A question that is lost at its deadline is asked once more by a fresh connection, which has a deadline of its own."""
ROUNDS, STEPS = 3, 50


class Walk:
    """Four servers, two targets on each; the second asks for a key over the same session."""

    def __init__(self, engine: Turns, servers: list[Puppet], chance: random.Random) -> None:
        self.engine, self.servers, self.chance = engine, servers, chance
        self.home = {of(one, timeout=TIMEOUT, **block): one for one in servers for block in ({}, {"key": "out"})}
        self.asked: list[tuple[float, Target]] = []
        self.changed: dict[Target, float] = {}
        """When each target was last taken in or left out."""
        self.alive = set(servers)
        engine.know(*self.home, login=0.3)

    def some(self) -> list[Target]:
        return self.chance.sample(sorted(self.engine.terms, key=str), self.chance.randint(0, len(self.engine.terms)))

    def step(self) -> None:
        doing = self.chance.choice([self.ask] * 5 + [self.witness, self.renew, self.assign] + [self.trouble] * 4)
        doing()
        time.sleep(self.chance.choice([0.0, 0.001, 0.005, 0.03]))

    def ask(self) -> None:
        wanted = self.some()
        now = time.monotonic()
        self.asked += [(now, target) for target in wanted]
        self.engine.engine.ask(wanted)

    def witness(self) -> None:
        for target in self.some()[:1]:
            self.engine.engine.ask_witness(target)

    def renew(self) -> None:
        self.engine.engine.renew(frozenset())

    def assign(self) -> None:
        target = self.chance.choice(sorted(self.home, key=str))
        if target in self.engine.terms:
            self.engine.drop(target)
        else:
            self.engine.know(target, login=0.3)
        self.changed[target] = time.monotonic()

    def trouble(self) -> None:
        server = self.chance.choice(self.servers)
        match self.chance.randrange(9):
            case 0:
                server.awake.clear()
            case 1:
                server.awake.set()
            case 2 | 3 as reset:
                server.hang_up(reset=reset == 3)
            case 4:
                server.say(PONG)
            case 5:
                self.die(server)
            case 6:
                self.heal(server)
            case 7:
                server.pong = self.chance.choice([PONG, PONG * 2, b"+PANG\r\n", b"-LOADING\r\n"])
            case _:
                server.turns_away = self.chance.random() < 0.5

    def die(self, server: Puppet) -> None:
        self.alive.discard(server)
        server.die()

    def heal(self, server: Puppet) -> None:
        server.pong, server.turns_away = PONG, False
        server.awake.set()
        if server not in self.alive:
            self.alive.add(server)
            server.reopen()

    def calm(self) -> None:
        """All is well again, and nothing is under way; then each turn has exactly one report, and it is good."""
        for server in self.servers:
            self.heal(server)
        self.engine.know(*self.home, login=0.3)
        probes = self.engine.engine._probes
        wait_until(
            lambda: all(report.observation.reason is Reason.OK for report in self.engine.turn(*self.home)),
            SECONDS,
            "all well",
            every=0.05,
        )
        wait_until(lambda: all(probe.rests for probe in list(probes.values())), SECONDS, "rest")
        self.engine.settle()
        before, overruns = len(self.engine.reports), len(self.engine.overruns)
        self.engine.turn(*self.home)
        self.engine.quiet(0.05)
        told = [report.target for report in self.engine.reports[before:] if not report.witness]
        assert sorted(told, key=str) == sorted(self.home, key=str)
        assert len(self.engine.overruns) == overruns

    def check(self) -> None:
        for report in self.engine.reports:
            if report.observation.reason is Reason.OK:
                answers = self.home[report.target].answered
                assert any(came >= report.started and sent <= report.ended for came, sent in answers), (
                    f"ok, and no answer to this question: {report}"
                )
        for at, target in self.asked:
            if at > self.changed.get(target, 0.0):
                assert any(report.ended >= at for report in self.engine.of(target)), f"no report: {target}"

    def lateness(self) -> float:
        """How late the first report after a turn came at worst, beyond what is promised."""
        ends = {target: sorted(report.ended for report in self.engine.of(target)) for target in self.home}
        late = [
            min((end for end in ends[target] if end >= at), default=at) - at - BOUND
            for at, target in self.asked
            if at > self.changed.get(target, 0.0)
        ]
        return max(late, default=0.0)


def _open() -> Counter[str]:
    """What the descriptors of this process lead to."""
    kinds = Counter[str]()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that reads the folder
            kinds[str(entry.readlink()).partition(":[")[0]] += 1
    return kinds


@pytest.mark.parametrize("seed", range(2))
def test_each_turn_is_reported_and_nothing_is_good_that_was_not_answered(seed: int) -> None:
    """Whatever the servers do; and when the engine has been stopped, nothing of it is left."""
    gc.collect()
    before = _open()
    with puppets(4, "127.0.4.{}") as servers:
        with turns() as engine:
            walk = Walk(engine, servers, random.Random(seed))
            for _ in range(ROUNDS):
                for _ in range(STEPS):
                    walk.step()
                walk.calm()
        walk.check()
        assert walk.lateness() < 20.0, "far beyond what a busy machine explains"
        wait_until(lambda: not any(server.sessions for server in servers), SECONDS, "no connection left")
        assert not any(thread.name == "engine" for thread in threading.enumerate())
    del engine, walk
    # those of an earlier test may end meanwhile
    wait_until(lambda: gc.collect() >= 0 and _open() <= before, SECONDS, "logins under way to end", every=0.1)
