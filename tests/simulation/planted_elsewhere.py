"""Planted bugs by which one part of the world hinders or changes another (I4, I5, I11, I12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mooring.model.objects import EndpointsWrite, Refusal, Subset, Write
from simulation.bugs import bug, room, substitute
from simulation.locks import World

HINDERED_SECONDS = 40.0


@bug
def labels_of_others_go() -> None:
    """A write takes away a label that somebody else has put on the object."""
    substitute(room("cluster.endpoints"), "labels", lambda true: lambda change: {**true(change), "team": None})


@bug
def nobody_is_asked_without_the_api_server() -> None:
    """Probes wait until the Lease can be written again."""
    lost: set[str] = set()

    def make_put(true: Any) -> Any:
        def put(self: Any, *args: Any) -> Any:
            lost.add(World.kernel.process.name)
            found = true(self, *args)
            lost.discard(World.kernel.process.name)
            return found

        return put

    def make_ask(true: Any) -> Any:
        return lambda self, targets: None if World.kernel.process.name in lost else true(self, targets)

    substitute(room("cluster.lease").KubeLeaseStore, "put", make_put)
    substitute(room("probe.engine").Engine, "_ask", make_ask)


@bug
def one_address_in_a_write() -> None:
    """What has changed while the API server was away is written one address after the other."""

    def make(true: Any) -> Any:
        def needed(*args: Any, **more: Any) -> Sequence[Write] | Refusal:
            found: Sequence[Write] | Refusal = true(*args, **more)
            return found if isinstance(found, Refusal) else tuple(map(_smaller, found))

        return needed

    substitute(room("publish.writer"), "needed_writes", make)


def _smaller(write: Write) -> Write:
    if not isinstance(write, EndpointsWrite) or write.before is None or not write.subsets or not write.before.subsets:
        return write
    was, after = write.before.subsets[0], write.subsets[0]
    moves = sorted(set(was.ready) ^ set(after.ready))
    ready = set(was.ready) ^ set(moves[:1])
    every = sorted({*after.ready, *after.not_ready})
    shown = (tuple(one for one in every if one in ready), tuple(one for one in every if one not in ready))
    return replace(write, subsets=(Subset(*shown, after.ports),)) if len(moves) > 1 else write


@bug
def passwords_are_not_hidden() -> None:
    """What a server echoes over a held session is shown as it is."""
    substitute(room("probe.session"), "cleaned", lambda _true: lambda seen, _secret: seen)


@bug
def a_missing_service_stops_the_others() -> None:
    """While one Service cannot be published, no other is."""
    rounds = room("publish.round").Rounds
    until: dict[str, float] = {}

    def make_refused(true: Any) -> Any:
        def refused(self: Any, *args: Any) -> Any:
            until[World.kernel.process.name] = World.kernel.now + HINDERED_SECONDS
            return true(self, *args)

        return refused

    def make_round(true: Any) -> Any:
        def one_round(self: Any, service: Any) -> None:
            if World.kernel.now >= until.get(World.kernel.process.name, 0.0):
                true(self, service)

        return one_round

    substitute(rounds, "_refused", make_refused)
    substitute(rounds, "round", make_round)


@bug
def a_silent_host_stops_the_others() -> None:
    """While one host is silent, no other is asked."""

    def make(true: Any) -> Any:
        def ask(self: Any, targets: Sequence[Any]) -> None:
            silent = [target for target, probe in self._probes.items() if probe.timed_out]
            true(self, tuple(one for one in targets if one in silent or not silent))

        return ask

    substitute(room("probe.engine").Engine, "_ask", make)
