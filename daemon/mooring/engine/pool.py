"""Asks targets: every probe in a worker thread, at most one of a target at a time, never a backlog."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from mooring.clocks import Clocks
from mooring.engine.workers import Workers
from mooring.model import Observation, Report, Target

Probe = Callable[[Target], Observation]
BOUND = 2048
"""Threads at most; one waits while its host does not answer, so hung hosts delay nobody until there are as many."""


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
        self._busy: dict[Target, bool] = {}

    def ask(self, target: Target) -> None:
        """Probes the target now; where its last scheduled probe has not ended, this one is left out and counted."""
        with self._lock:
            witness = self._busy.get(target)
            if witness is None and len(self._busy) < self._bound:
                self._busy[target] = False
                start, overrun = True, False
            else:
                # A witness on its way is as good as the probe that is due now: it counts as that.
                start, overrun = False, not witness
                if witness:
                    self._busy[target] = False
        self._go(target, start=start)
        if overrun:
            self._on_overrun(target)

    def ask_witness(self, target: Target) -> None:
        """Probes the target now, only to learn whether anything answers; a probe on its way will tell as well."""
        with self._lock:
            start = target not in self._busy and len(self._busy) < self._bound
            if start:
                self._busy[target] = True
        self._go(target, start=start)

    def _go(self, target: Target, *, start: bool) -> None:
        if start:
            self._workers.submit(lambda: self._run(target))

    def _run(self, target: Target) -> None:
        made = report(self._probe, target, self._clocks)
        with self._lock:
            witness = self._busy.pop(target)
        self._on_report(replace(made, witness=witness))
