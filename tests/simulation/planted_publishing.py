"""Planted bugs of what is published, stored, watched and asked."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from mooring.model.errors import ClusterError, Conflict, Unavailable
from mooring.model.verdicts import Verdict
from simulation.bugs import bug, room, substitute
from simulation.locks import World


@bug
def maintenance_is_ignored() -> None:
    """A host in maintenance is published as ready."""
    substitute(room("plan.select"), "_fit", lambda _true: lambda _member, state: state.verdict is Verdict.READY)


@bug
def drain_is_ignored() -> None:
    """The annotation of the Service does nothing."""
    module = room("publish.round")
    substitute(module, "drain", lambda true: lambda _asked, hosts, view, now: true((), hosts, view, now))


@bug
def pause_is_ignored() -> None:
    """A paused Service is written all the same."""
    substitute(room("publish.round"), "active_pause", lambda _true: lambda *_: None)


@bug
def roles_are_ignored() -> None:
    """A replica is published by a Service of the primary."""
    substitute(room("judge.assess"), "_find_fault", lambda _true: lambda *_: None)


@bug
def in_both_lists() -> None:
    """Ready addresses stand among those that are not ready, too."""
    substitute(
        room("plan.intent"),
        "endpoints_subsets",
        lambda true: (
            lambda chosen, ports: true(replace(chosen, not_ready=(*chosen.not_ready, *chosen.ready[:1])), ports)
        ),
    )


@bug
def unlisted() -> None:
    """An address that nobody listed is published."""
    substitute(
        room("plan.intent"),
        "endpoints_subsets",
        lambda true: lambda chosen, ports: true(replace(chosen, not_ready=(*chosen.not_ready, "10.77.0.1")), ports),
    )


@bug
def writes_without_a_change() -> None:
    """Every look at a Service writes it."""
    module = room("plan.writes")

    def make(true: Any) -> Any:
        def plan(key: Any, listed: Any, adopt: Any, stored: Any, desired: Any, **more: Any) -> Any:
            found = true(key, listed, adopt, stored, desired, **more)
            more.pop("adopted", None)
            return found or room("model.objects").EndpointsWrite(key, stored, desired, **more)

        return plan

    substitute(module, "plan", make)


@bug
def foreign_edits_stay() -> None:
    """What somebody else writes is not repaired."""
    substitute(room("publish.writer"), "repair_at", lambda _true: lambda *_: math.inf)


@bug
def a_lost_reply_is_a_success() -> None:
    """A write without an answer counts as stored."""
    writer = room("publish.writer").Writer

    def make(true: Any) -> Any:
        def store(self: Any, spec: Any, decision: Any, serving: Any, publication: Any, **more: Any) -> Any:
            after, hindrance = true(self, spec, decision, serving, publication, **more)
            if isinstance(hindrance, Unavailable):
                return replace(after, failures=0, desired=decision.desired), None
            return after, hindrance

        return store

    substitute(writer, "store", make)


@bug
def a_conflict_is_a_success() -> None:
    """Somebody else's write wins for good."""
    writer = room("publish.writer").Writer

    def make(true: Any) -> Any:
        def store(self: Any, spec: Any, decision: Any, serving: Any, publication: Any, **more: Any) -> Any:
            after, hindrance = true(self, spec, decision, serving, publication, **more)
            if isinstance(hindrance, Conflict):
                return replace(after, failures=0, desired=decision.desired), None
            return after, hindrance

        return store

    substitute(writer, "store", make)
    room("publish.reconcile").RESYNC_SECONDS = 1e6


@bug
def gives_up_after_a_failure() -> None:
    """A failed write is not tried again."""
    substitute(room("publish.reconcile").Reconciler, "_again", lambda _true: lambda _self, _publication: None)


@bug
def loses_a_wake_up() -> None:
    """Now and then a change of a verdict wakes nobody."""
    module = room("publish.workers").Workers

    def make(true: Any) -> Any:
        def add(self: Any, keys: Any, cause: Any) -> None:
            if World.kernel.chance.random() > 0.3:
                true(self, keys, cause)

        return add

    substitute(module, "add", make)
    room("publish.reconcile").RESYNC_SECONDS = 1e6


@bug
def two_writes_at_once() -> None:
    """Two threads may work on one Service at a time."""
    queue = room("publish.queue").WorkQueue

    def make(true: Any) -> Any:
        def add(self: Any, key: Any, cause: Any) -> None:
            self._working.pop(key, None)
            true(self, key, cause)

        return add

    substitute(queue, "add", make)
    substitute(
        queue,
        "done",
        lambda true: lambda self, key, now, again: true(self, key, now, again) if key in self._working else None,
    )


@bug
def ignores_an_expired_watch() -> None:
    """After 410 the watch goes on from the same version, for ever."""
    watch = room("cluster.cache").Watch

    def make(true: Any) -> Any:
        def turn(self: Any, version: str) -> str:
            try:
                return str(self._follow(version or self._list()))
            except room("cluster.status").Expired:
                return version
            except ClusterError:
                return str(true(self, ""))

        return turn

    substitute(watch, "_turn", make)


@bug
def takes_old_versions() -> None:
    """An event that comes late overwrites what a write has shown."""
    substitute(room("cluster.cache"), "newer", lambda _true: lambda _one, _other: True)


@bug
def no_deadline_of_a_call() -> None:
    """A call to an API server that never answers waits for ever."""
    substitute(
        room("cluster.deadline").Deadline,
        "extend",
        lambda _true: lambda self, _seconds: setattr(self, "_until", math.inf),
    )


@bug
def a_new_session_beside_one_that_hangs() -> None:
    """Each turn opens one more connection to a database that hangs."""
    substitute(room("probe.account").Account, "make_room", lambda _true: lambda _self, _now: True)


@bug
def waits_half_as_long_again() -> None:
    """A probe may take half as long again as its deadline."""
    turns = room("probe.turns")
    substitute(
        turns,
        "PendingQuestion",
        lambda true: lambda target, exchange, now, _: true(target, exchange, now, now + 1.5 * target.timeout),
    )


@bug
def no_login_after_a_refusal() -> None:
    """A refused login is not tried again."""
    module = room("probe.account")
    substitute(
        module,
        "after",
        lambda true: (
            lambda *args, **more: (
                replace(true(*args, **more), next_at=math.inf) if true(*args, **more).refusal else true(*args, **more)
            )
        ),
    )


@bug
def a_session_that_hangs_is_kept() -> None:
    """The kernel's keepalives are not asked for."""
    for name in ("probe.session", "probe.unfinished", "probe.connect"):
        substitute(room(name), "set_keepalive", lambda _true: lambda _sock, _period: None)
