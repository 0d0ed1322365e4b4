"""Asks targets: every probe in a worker thread, at most one of a target at a time, never a backlog."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import replace

from mooring.clocks import Clocks
from mooring.engine.workers import Workers
from mooring.model import Observation, Report, Target

Probe = Callable[[Target], Observation]
BOUND = 2048
"""Threads at most; one waits while its host does not answer, so hung hosts delay nobody until there are as many."""


class _Way(enum.Enum):
    """What the probe of a target that is under way is for."""

    WITNESS = enum.auto()
    TURN = enum.auto()
    TURN_AND_NEXT = enum.auto()
    """The next turn came already: it follows at once."""


def report(probe: Probe, target: Target, clocks: Clocks) -> Report:
    """One whole probe of the target, with its times."""
    started = clocks.monotonic()
    observation = probe(target)
    return Report(target, observation, started, clocks.monotonic(), clocks.wall())


class Pool:
    """``ask`` returns at once; each probe's report goes to ``on_report`` in the thread that made it."""

    def __init__(
        self,
        probe: Probe,
        on_report: Callable[[Report], None],
        on_overrun: Callable[[Target], None],
        clocks: Clocks,
        bound: int = BOUND,
    ) -> None:
        self._probe = probe
        self._on_report = on_report
        self._on_overrun = on_overrun
        self._clocks = clocks
        self._bound = bound
        self._workers = Workers("probe", bound)
        self._lock = threading.Lock()
        self._busy: dict[Target, _Way] = {}

    def ask(self, target: Target) -> None:
        """Probes the target now, or right after its last probe where that is just ending.

        A silent host's probe takes its whole timeout, which may be its whole period. Where another turn waits for the
        end of it already, this one is left out and counted.
        """
        with self._lock:
            way = self._busy.get(target)
            start = way is None and len(self._busy) < self._bound
            overrun = way is _Way.TURN_AND_NEXT or (way is None and not start)
            if not overrun:
                # A witness on its way is as good as the probe that is due now: it counts as that.
                self._busy[target] = _Way.TURN_AND_NEXT if way is _Way.TURN else _Way.TURN
        self._go(target, start=start)
        if overrun:
            self._on_overrun(target)

    def ask_witness(self, target: Target) -> None:
        """Probes the target now, only to learn whether anything answers; a probe on its way will tell as well."""
        with self._lock:
            start = target not in self._busy and len(self._busy) < self._bound
            if start:
                self._busy[target] = _Way.WITNESS
        self._go(target, start=start)

    def _go(self, target: Target, *, start: bool) -> None:
        if start:
            self._workers.submit(lambda: self._run(target))

    def _run(self, target: Target) -> None:
        again = True
        while again:
            made = report(self._probe, target, self._clocks)
            with self._lock:
                way = self._busy.pop(target)
                again = way is _Way.TURN_AND_NEXT
                if again:
                    self._busy[target] = _Way.TURN
            self._on_report(replace(made, witness=way is _Way.WITNESS))
