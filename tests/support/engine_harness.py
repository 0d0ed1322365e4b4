"""An engine under test: turns asked for by hand, and what it reported."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.model.probes import Report
from mooring.model.reasons import Reason
from mooring.model.spec import ProbeTimings
from mooring.model.targets import Target
from mooring.probe.account import PATIENCE_SECONDS
from mooring.probe.engine import Engine
from support.fake_redis import Puppet
from support.probe_once import target_of

SECONDS = 20.0
"""What a step may take at most on a busy machine."""
TERMS = ProbeTimings(period=1.0, edge=0.05, login=60.0, confirmations=3, login_stated=60.0)


def of(server: Puppet, *, timeout: float = SECONDS, **block: object) -> Target:
    """The target that this server is."""
    return target_of("redis", server.address, server.port, timeout=timeout, **block)


class Turns:
    """Reports in the order in which they came; ``overruns`` are turns that were left out."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.reports: list[Report] = []
        self.overruns: list[Target] = []
        self.terms: dict[Target, ProbeTimings] = {}
        self.engine = Engine(self.reports.extend, self.overruns.append, Clocks(), patience=patience)

    def know(self, *targets: Target, **terms: float) -> None:
        """From now on these targets too; times that are not given are those of ``TERMS``."""
        stated = {"login_stated": terms.get("login", TERMS.login), **terms}
        self.terms |= dict.fromkeys(targets, replace(TERMS, **stated))  # type: ignore[arg-type]  # all numbers
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

    def silent_turn(self, target: Target) -> Report:
        """One turn of a target whose server says nothing: its deadline comes at once, and takes no real time."""
        number = len(self.of(target))
        self.engine.ask([target])
        self.expire(target)
        return self.of(target)[number]

    def expire(self, *targets: Target) -> None:
        """The deadlines of these targets' turns are now: goes on until each is reported."""
        known = {target: len(self.of(target)) for target in targets}

        def reported() -> bool:
            self.skip(max(target.timeout for target in targets))
            return all(len(self.of(target)) > known[target] for target in targets)

        wait_until(reported, SECONDS, "the deadlines")

    def skip(self, seconds: float, *, connects: bool = False) -> None:
        """As if so many seconds had passed for all timers of the engine.

        A connect that is under way takes its time, unless ``connects``.
        """

        def hurry() -> None:
            opening = [account._opening for account in self.engine._accounts.values() if account._opening]
            if connects or all(call._probe._listens for call in opening):
                loop = self.engine._loop
                loop._timers = [(moment - seconds, number, timer) for moment, number, timer in loop._timers]

        self.engine._loop.call(hurry)
        self.settle()

    def unread(self, target: Target) -> None:
        """Until bytes that nobody asked for have come over the held session."""
        held = self.engine._probes[target].session
        session = held._session
        assert session is not None
        wait_until(lambda: held._has_unread(session), SECONDS, "the bytes")

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
def turns(*targets: Target, patience: float = PATIENCE_SECONDS, **terms: float) -> Iterator[Turns]:
    """A running engine that knows these targets."""
    one = Turns(patience)
    one.engine.start()
    try:
        one.know(*targets, **terms)
        yield one
    finally:
        one.engine.stop(SECONDS)
