"""An engine under test: turns asked for by hand, and what it reported."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from ground.asking import target_of
from ground.puppet import Puppet
from ground.waiting import wait_until
from mooring.clocks import Clocks
from mooring.engine.engine import Engine
from mooring.model import Report, Target, Terms
from mooring.reasons import Reason

SECONDS = 10.0
"""What a step may take at most on a busy machine."""
TERMS = Terms(period=1.0, edge=0.05, login=60.0, confirmations=3)


def of(server: Puppet, *, timeout: float = 1.0, **block: object) -> Target:
    """The target that this server is."""
    return target_of("redis", server.address, server.port, timeout=timeout, **block)


class Turns:
    """Reports in the order in which they came; ``overruns`` are turns that were left out."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.overruns: list[Target] = []
        self.terms: dict[Target, Terms] = {}
        self.engine = Engine(self.reports.extend, self.overruns.append, Clocks())

    def know(self, *targets: Target, **terms: float) -> None:
        """From now on these targets too; times that are not given are those of ``TERMS``."""
        self.terms |= dict.fromkeys(targets, replace(TERMS, **terms))  # type: ignore[arg-type]  # all numbers
        self.engine.assign(dict(self.terms))

    def drop(self, *targets: Target) -> None:
        for target in targets:
            del self.terms[target]
        self.engine.assign(dict(self.terms))

    def of(self, target: Target) -> list[Report]:
        return [report for report in list(self.reports) if report.target == target]

    def reasons(self, target: Target) -> list[Reason]:
        return [report.observation.reason for report in self.of(target)]

    def next(self, target: Target, number: int) -> Report:
        """The report of this number, counted from 0, once it is there."""
        wait_until(lambda: len(self.of(target)) > number, SECONDS, f"report {number}", every=0.001)
        return self.of(target)[number]

    def turn(self, *targets: Target) -> list[Report]:
        """One turn of each, and the next report of each."""
        before = {target: len(self.of(target)) for target in targets}
        self.engine.ask(targets)
        return [self.next(target, before[target]) for target in targets]

    def settle(self) -> None:
        """Until everything that was handed in has been done."""
        done = threading.Event()
        self.engine._loop.call(done.set)
        assert done.wait(SECONDS)

    def quiet(self, seconds: float) -> list[Report]:
        """What comes within so long."""
        before = len(self.reports)
        time.sleep(seconds)
        return self.reports[before:]


@contextlib.contextmanager
def turns(*targets: Target, **terms: float) -> Iterator[Turns]:
    """A running engine that knows these targets."""
    one = Turns()
    one.engine.start()
    try:
        one.know(*targets, **terms)
        yield one
    finally:
        one.engine.stop(SECONDS)
