"""Rounds of probes that come to an end: for ``check``, ``plan`` and ``run --once``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace

from mooring.board import Board
from mooring.clocks import Clocks
from mooring.engine.workers import Workers
from mooring.events import Event, Probed
from mooring.model import Observation, Report, Target

Probe = Callable[[Target], Observation]

WORKERS = 256


_workers = Workers("probe", WORKERS)


def ask_all(targets: Iterable[Target], probe: Probe, clocks: Clocks) -> list[Report]:
    """Probes all targets at once, each once. An interrupt leaves those that hang behind."""
    asked = [_ask(target, probe, clocks) for target in targets]
    return [future.result() for future in asked]


def _ask(target: Target, probe: Probe, clocks: Clocks) -> Future[Report]:
    future: Future[Report] = Future()

    def task() -> None:
        try:
            future.set_result(_report(probe, target, clocks))
        except Exception as error:  # noqa: BLE001 -- raised where the result is awaited
            future.set_exception(error)

    _workers.submit(task)
    return future


def _report(probe: Probe, target: Target, clocks: Clocks) -> Report:
    started = clocks.monotonic()
    observation = probe(target)
    return Report(target, observation, started, clocks.monotonic(), clocks.wall())


def settle(board: Board, probe: Probe, clocks: Clocks, emit: Callable[[Event], None]) -> None:
    """Probes, a round a period, until each verdict is definite or ``failureThreshold`` probes of it were unknown."""
    while True:
        targets = board.targets()
        due_at = clocks.monotonic() + max(targets.values(), default=0.0)
        for made in ask_all(targets, probe, clocks):
            _take(board, made, probe, clocks, emit)
        if board.settled():
            return
        time.sleep(max(0.0, due_at - clocks.monotonic()))


def _take(board: Board, made: Report, probe: Probe, clocks: Clocks, emit: Callable[[Event], None]) -> None:
    taken = board.take([made])
    for event in (Probed(made), *taken.events):
        emit(event)
    for witness in ask_all(taken.ask, probe, clocks):
        _take(board, replace(witness, witness=True), probe, clocks, emit)
