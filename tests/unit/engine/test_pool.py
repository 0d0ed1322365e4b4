"""One probe of a target at a time, never a backlog. The probes here are functions: what is tested is who runs when."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ground.values import target
from ground.waiting import wait_until
from mooring.clocks import Clocks
from mooring.engine.pool import Pool
from mooring.model import Observation, Report, Target
from mooring.reasons import Reason


class Desk:
    """A pool with a probe that waits for its gate, and what came of it."""

    def __init__(self, bound: int = 100) -> None:
        self.gate = threading.Event()
        self.reports: list[Report] = []
        self.overruns: list[Target] = []
        self.pool = Pool(self._probe, self.reports.append, self.overruns.append, Clocks(), bound)

    def _probe(self, target: Target) -> Observation:
        self.gate.wait(10)
        return Observation(Reason.OK)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.gate.set()


def test_a_report_tells_when_it_was_made(desk: Desk) -> None:
    """Each probe gives one report, with the time it took."""
    desk.gate.set()
    desk.pool.ask(target())
    wait_until(lambda: desk.reports, 5, "the report")
    made = desk.reports[0]
    assert (made.target, made.observation.reason, made.witness) == (target(), Reason.OK, False)
    assert made.ended >= made.started


def test_a_probe_that_falls_due_while_the_last_ends_follows_it(desk: Desk) -> None:
    """With a timeout as long as the period a silent host is still asked once a period, and that is no overrun."""
    desk.pool.ask(target())
    desk.pool.ask(target())
    assert desk.overruns == []
    desk.gate.set()
    wait_until(lambda: len(desk.reports) == 2, 5, "both reports")
    first, second = desk.reports
    assert (first.witness, second.witness) == (False, False)
    assert second.started >= first.ended


def test_turns_that_a_slow_host_missed_are_counted_and_left_out(desk: Desk) -> None:
    """Overruns never pile up: however often a slow host is due, it has one probe under way and one to follow."""
    for _ in range(5):
        desk.pool.ask(target())
    assert desk.overruns == [target()] * 3
    desk.gate.set()
    wait_until(lambda: len(desk.reports) == 2, 5, "the two reports")
    desk.pool.ask(target())
    wait_until(lambda: len(desk.reports) == 3, 5, "the next probe")


def test_a_slow_target_does_not_hold_up_another(desk: Desk) -> None:
    """Other targets are asked while one hangs."""
    targets = [target(f"10.20.0.{number}") for number in range(1, 51)]
    for each in targets:
        desk.pool.ask(each)
    assert desk.overruns == []
    desk.gate.set()
    wait_until(lambda: len(desk.reports) == 50, 5, "all reports")


def test_a_probe_under_way_serves_as_witness(desk: Desk) -> None:
    """Asking for a witness never starts a second probe of the same host, and is no overrun."""
    desk.pool.ask(target())
    desk.pool.ask_witness(target())
    desk.gate.set()
    wait_until(lambda: desk.reports, 5, "the report")
    assert [made.witness for made in desk.reports] == [False]
    assert desk.overruns == []


def test_a_witness_under_way_counts_as_the_probe_that_falls_due(desk: Desk) -> None:
    """A host asked as a witness does not lose its own turn by that."""
    desk.pool.ask_witness(target())
    desk.pool.ask(target())
    desk.gate.set()
    wait_until(lambda: desk.reports, 5, "the report")
    assert [made.witness for made in desk.reports] == [False]
    assert desk.overruns == []


def test_a_witness_alone_is_marked(desk: Desk) -> None:
    """A report that was asked for out of turn says so."""
    desk.gate.set()
    desk.pool.ask_witness(target())
    wait_until(lambda: desk.reports, 5, "the report")
    assert desk.reports[0].witness


def test_more_targets_than_threads_are_overruns_not_a_queue() -> None:
    """At the bound a probe is left out and counted; memory does not grow."""
    desk = Desk(bound=2)
    for number in range(1, 5):
        desk.pool.ask(target(f"10.20.0.{number}"))
    assert desk.overruns == [target("10.20.0.3"), target("10.20.0.4")]
    desk.gate.set()
    wait_until(lambda: len(desk.reports) == 2, 5, "both reports")
