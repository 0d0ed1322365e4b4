"""Planted bugs that only the worlds of one kind can show (``kinds``)."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from mooring.leader.health import Fitness
from mooring.model.objects import Condition, Slice, SliceWrite
from simulation.bugs import bug, room, substitute


@bug
def leads_on_though_outvoted() -> None:
    """A leader that alone does not see a host keeps the Lease."""
    substitute(
        room("leader.elector"),
        "fitness",
        lambda true: (
            lambda health, *, others_see: (
                found if (found := true(health, others_see=others_see)) is not Fitness.OUTVOTED else Fitness.WELL
            )
        ),
    )


@bug
def demotions_have_no_limit() -> None:
    """``--max-demotions`` does nothing."""
    substitute(room("judge.silence").SilentDemotions, "holds", lambda _true: lambda *_: False)


@bug
def a_held_demotion_waits_for_ever() -> None:
    """The end of the window is forgotten."""
    substitute(
        room("judge.silence").SilentDemotions,
        "holds",
        lambda true: lambda self, address, ready, _since, now: true(self, address, ready, None, now),
    )


@bug
def slices_have_no_precondition() -> None:
    """Updates of slices name no version."""

    def make(true: Any) -> Any:
        def patch(change: SliceWrite, after: Slice) -> Any:
            found = true(change, after)
            found["metadata"] = _Forgetful(found["metadata"])
            return found

        return patch

    substitute(room("cluster.slices"), "slice_patch", make)


class _Forgetful(dict[str, Any]):
    def __setitem__(self, key: str, value: Any) -> None:
        if key != "resourceVersion":
            super().__setitem__(key, value)


@bug
def slices_say_ready_of_all() -> None:
    """The conditions of a slice do not follow the verdicts."""
    module = room("cluster.slice_manifest")
    ready = module.CONDITIONS[Condition.READY]
    module.CONDITIONS = MappingProxyType(dict.fromkeys(Condition, ready))


@bug
def the_endpoints_stay_behind_the_slices() -> None:
    """With ``publish: both`` the Endpoints are not written once the slices are."""
    module = room("plan.writes")
    substitute(
        module,
        "_mending_first",
        lambda true: lambda objects, found: true(objects, tuple(one for one in found if isinstance(one, SliceWrite))),
    )


@bug
def fights_another_mooring_without_rest() -> None:
    """Repairs of what another Mooring writes come every two seconds."""
    room("plan.repairs").MOST_OF_A_MOORING = 1000
    room("plan.repairs").WITHIN_SECONDS = 0.0


@bug
def another_mooring_is_not_reported() -> None:
    """The repairs go on in silence."""
    substitute(room("publish.round"), "contesting_rivals", lambda _true: lambda _repairs, _now: ())


@bug
def one_missing_answer_is_enough() -> None:
    """An address leaves at the first lookup without it."""
    room("judge.members").MISSES = 1


@bug
def a_failed_lookup_empties_the_name() -> None:
    """An answer without addresses takes all of them out."""
    members = room("judge.members")

    def update(held: Any, answer: Iterable[str] | None, *, counts: bool = True) -> Any:
        return members.NameRecord() if not tuple(answer or ()) else true(held, answer, counts=counts)

    true = members.update
    members.update = room("probe.resolve").update = update


@bug
def a_name_never_loses_an_address() -> None:
    """What it held once stays."""
    room("judge.members").MISSES = 10**9


@bug
def a_silent_name_server_stops_the_lookups() -> None:
    """A name whose lookup has failed once is not looked up again."""
    names = room("probe.resolve").Names

    def make(true: Any) -> Any:
        def take(self: Any, name: str, answer: Any) -> Any:
            found = true(self, name, answer)
            if not answer.addresses:
                self._busy.add(name)
            return found

        return take

    substitute(names, "_take", make)
