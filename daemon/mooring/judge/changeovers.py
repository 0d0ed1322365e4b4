"""What is judged apart from the members of a Service: addresses that leave, and new ports that are on trial."""

from __future__ import annotations

from collections.abc import Callable

from mooring.judge.batch import BatchBuilder
from mooring.judge.host import HostTracker
from mooring.judge.index import TargetIndex
from mooring.judge.leaving import Leaving
from mooring.judge.members import Expanded
from mooring.judge.result import HostResult
from mooring.judge.service import ServiceHealth
from mooring.judge.trial import Trial, trial_of
from mooring.judge.view import ServiceView, view_of
from mooring.model.publish_events import PortsChanged
from mooring.model.spec import ServiceKey, ServiceSpec


class Changeovers:
    """For the health store, under its lock. ``enter`` adds the members of a Service to its tables."""

    def __init__(self, index: TargetIndex, enter: Callable[[ServiceHealth], None]) -> None:
        self._index = index
        self._enter = enter
        self._leaving: dict[ServiceKey, Leaving] = {}
        self._trials: dict[ServiceKey, Trial] = {}
        self._switched: set[ServiceKey] = set()
        """Services whose ports have just changed: Mooring must stop probing the old ports."""

    def try_ports(self, key: ServiceKey, expanded: Expanded, pending: tuple[ServiceSpec, Expanded] | None) -> None:
        """Tries the ports of ``pending`` from now on; a trial of the same ports goes on. None: nothing is tried."""
        running = self._trials.pop(key, None)
        if running:
            self._index.leave(running.health)
        if pending is not None:
            same = running if running and running.spec.ports == pending[0].ports else None
            self._trials[key] = trial_of(*pending, expanded, same)
            self._enter(self._trials[key].health)

    def replace_members(
        self, main: ServiceHealth, spec: ServiceSpec, expanded: Expanded, reloaded_at: float | None
    ) -> None:
        """Gives the Service these members; of those that it had, some stay for a moment after a reload."""
        self._index.leave(main)
        before = self._leaving.pop(spec.key, None) or Leaving(ServiceHealth(main.spec, seeded=True))
        self._index.leave(before.health)
        leaving = before.after_reload(main, spec, expanded, reloaded_at)
        main.set_members(spec, expanded)
        self._enter(main)
        if leaving.health.trackers:
            self._leaving[spec.key] = leaving
            self._enter(leaving.health)

    def note(
        self,
        main: ServiceHealth | None,
        health: ServiceHealth,
        tracker: HostTracker,
        result: HostResult,
        found: BatchBuilder,
    ) -> bool:
        """Notes a result of a trial, or of an address that leaves: neither emits events of its own.

        ``main`` are the members of the Service that ``health`` belongs to. Returns whether a trial has ended.
        """
        key = health.spec.key
        trial, leaving = self._trials.get(key), self._leaving.get(key)
        self._index.note_verdict(tracker.member.target)
        if trial is not None and trial.health is health:
            return main is not None and self._end_trial(trial, main, found)
        if leaving is not None and leaving.note(tracker, result.reason):
            found.changed.add(key)
        return False

    def _end_trial(self, trial: Trial, main: ServiceHealth, found: BatchBuilder) -> bool:
        """Ends a trial that succeeded: members, verdicts and publication take the new ports."""
        if not trial.succeeded(main):
            return False
        key, before = main.spec.key, main.spec.ports
        del self._trials[key]
        for one in (trial.health, main):
            self._index.leave(one)
        trial.end(main)
        self._enter(main)
        self._switched.add(key)
        found.changed.add(key)
        found.events.append(PortsChanged(key, before, main.spec.ports))
        return True

    def end_leaving(self, main: ServiceHealth, now: float) -> bool:
        """Drops addresses whose stay has ended. Returns whether Mooring must stop probing a target."""
        key = main.spec.key
        leaving, switched = self._leaving.get(key), key in self._switched
        self._switched.discard(key)
        if leaving is None:
            return switched
        self._index.leave(leaving.health)
        ended = leaving.end(main, now)
        if leaving.health.trackers:
            self._enter(leaving.health)
        else:
            del self._leaving[key]
        return ended or switched

    def drop(self, key: ServiceKey) -> None:
        """The file no longer lists the Service."""
        if key in self._leaving:
            self._index.leave(self._leaving.pop(key).health)
        if key in self._trials:
            self._index.leave(self._trials.pop(key).health)

    def view(self, main: ServiceHealth) -> ServiceView:
        """The Service with what is judged apart from it."""
        return view_of(main, self._leaving.get(main.spec.key), self._trials.get(main.spec.key))
