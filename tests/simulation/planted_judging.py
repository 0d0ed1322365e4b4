"""Planted bugs of who leads, and of what is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mooring.leader.health import Fitness
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import Thresholds
from simulation.bugs import bug, room, substitute


@bug
def no_precondition() -> None:
    """Updates name no version, so a write overwrites what others stored meanwhile."""
    endpoints = room("cluster.endpoints").KubeCluster

    def make(_true: Any) -> Any:
        def update(self: Any, change: Any, _before: Any, until: float) -> Any:
            module = room("cluster.endpoints")
            body = {
                "metadata": {"labels": module.labels(change), "annotations": module.notes(change)},
                "subsets": module.subsets(change),
            }
            return self._api.merge(module._path(change.key), body, until=until)

        return update

    substitute(endpoints, "_update", make)


@bug
def writes_without_a_lease() -> None:
    """Whoever runs writes."""
    substitute(room("leader.elector").LeaderElector, "may_write", lambda _true: lambda _self, _now: True)
    room("leader.elector").LeaderElector.until = math.inf


@bug
def believes_its_lease_too_long() -> None:
    """It leads for a minute after its last renewal."""
    substitute(
        room("leader.elector"),
        "note_write",
        lambda true: lambda *args: replace(true(*args), until=true(*args).until + 50),
    )
    substitute(room("leader.elector").LeaderElector, "_age", lambda _true: lambda _self, _now: 0.0)


@bug
def takes_a_lease_that_is_held() -> None:
    """It waits half of the holder's time."""
    substitute(room("leader.election"), "BELIEVED_SECONDS", lambda _true: 4.0)


@bug
def counts_by_the_monotonic_clock_alone() -> None:
    """A suspended machine wakes up and believes that it still leads."""
    substitute(room("leader.elector").LeaderElector, "_age", lambda _true: lambda _self, _now: 0.0)


@bug
def renews_while_stuck_or_blind() -> None:
    """Its health does not matter for the Lease."""
    substitute(room("leader.elector"), "fitness", lambda _true: lambda _health, *, others_see: Fitness.WELL)


@bug
def takes_no_free_lease() -> None:
    """A standby stays one, whoever has gone."""
    substitute(
        room("leader.elector"),
        "claim",
        lambda true: (
            lambda state, *args: true(state, *args) if state.held is None or state.held.holder == state.me else None
        ),
    )


@bug
def does_not_take_over() -> None:
    """A new leader writes only when the next verdict changes."""
    substitute(room("publish.reconcile").Reconciler, "take_over", lambda _true: lambda _self: None)
    room("publish.reconcile").RESYNC_SECONDS = 1e6


@bug
def outvoted_silence_counts() -> None:
    """The replicas vote, and the leader does what it wants."""
    substitute(room("judge.votes").Poll, "weigh", lambda _true: lambda _self, outcome: outcome)


@bug
def unknown_counts() -> None:
    """A refused login takes a host out."""
    _effect(Reason.AUTH, Effect.FAILURE)


@bug
def blindness_counts() -> None:
    """Silence of all hosts at once takes them out."""
    _effect(Reason.BLIND, Effect.FAILURE)


@bug
def local_faults_count() -> None:
    """A fault on Mooring's own side takes a host out."""
    _effect(Reason.LOCAL, Effect.FAILURE)


def _effect(reason: Reason, effect: Effect) -> None:
    reasons = room("model.reasons")
    table = MappingProxyType({**MEANINGS, reason: replace(MEANINGS[reason], effect=effect)})
    for name in ("model.reasons", "model.verdicts", "judge.blind", "judge.store", "judge.host"):
        module = room(name)
        if getattr(module, "MEANINGS", None) is MEANINGS:
            module.MEANINGS = table
    reasons.MEANINGS = table


@bug
def ready_after_one_success() -> None:
    """The threshold of successes is ignored."""
    _thresholds(lambda given: Thresholds(1, given.failure))


@bug
def not_ready_after_one_failure() -> None:
    """The threshold of failures is ignored."""
    _thresholds(lambda given: Thresholds(given.success, 1))


@bug
def one_failure_too_many() -> None:
    """A host stays for three failures more than it may: only a bound on time shows that."""
    _thresholds(lambda given: Thresholds(given.success, given.failure + 100))


def _thresholds(change: Callable[[Thresholds], Thresholds]) -> None:
    substitute(
        room("judge.host"),
        "judge",
        lambda true: lambda held, outcome, given, at, **more: true(held, outcome, change(given), at, **more),
    )


@bug
def forgets_the_verdict_at_a_reload() -> None:
    """A reload judges every host anew."""
    fresh = room("judge.host").HostTracker
    for name in ("judge.host", "judge.service"):
        if hasattr(room(name), "tracker_for"):
            room(name).tracker_for = lambda member, _before: fresh(member)


@bug
def no_seed() -> None:
    """A restart does not take what is stored for the verdict."""
    substitute(
        room("judge.service").ServiceHealth, "seed", lambda true: lambda self, _stored, at=None: true(self, None, at)
    )
