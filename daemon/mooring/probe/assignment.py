"""Hands the targets of the health store to those who probe them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mooring.judge.store import HealthStore
from mooring.probe.coalesced import Coalesced
from mooring.probe.credential_files import Credentials
from mooring.probe.engine import Engine
from mooring.probe.schedule import Schedule

ASSIGN_SECONDS = 0.1
"""How long changes of members are collected: all targets are assigned anew for each."""


class Assignment:
    """Any thread may call any method; only ``assign`` and ``renew`` take long with many targets.

    ``track`` is called before each assignment.
    """

    def __init__(self, store: HealthStore, engine: Engine, schedule: Schedule, track: Callable[[], object]) -> None:
        self._store = store
        self._engine = engine
        self._schedule = schedule
        self._track = track
        self._credentials = Credentials()
        self._assigning = threading.Lock()
        self._coalesced = Coalesced(self.assign, ASSIGN_SECONDS)

    def start(self) -> None:
        """From now on assigns soon after ``ask``; one that came before counts."""
        self._coalesced.start()

    def stop(self) -> None:
        self._coalesced.stop()

    def ask(self) -> None:
        """Members have changed. Never waits."""
        self._coalesced.ask()

    def assign(self) -> None:
        """From now on these targets are asked, and no others."""
        with self._assigning:
            self._track()
            timings = self._store.timings()
            self._credentials.assign(timings)
            self._engine.assign(timings)
            self._schedule.assign({target: one.period for target, one in timings.items()})

    def renew(self) -> None:
        """Targets that log in with a file that has changed do so anew at their next turn."""
        if changed := self._credentials.changed():
            self._engine.renew(changed)
