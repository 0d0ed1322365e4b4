"""One host: how an outcome moves its verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mooring.model import HostState, Outcome, Transition, Verdict
from mooring.reasons import Effect
from mooring.spec import Thresholds

# verdict      | success                  | failure, counted         | the host's own word | unknown
# -------------+--------------------------+--------------------------+---------------------+-----------
# never judged | ready                    | not ready                | not ready           | unchanged
# ready        | streak ends              | streak + 1, at           | not ready           | unchanged,
#              |                          | failure: not ready       |                     | streak stays
# not ready    | streak + 1, at           | streak ends              | streak ends         | unchanged,
#              | success: ready           |                          |                     | streak stays
#
# A streak counts consecutive outcomes against the verdict; every change of verdict ends it. The host's own word also
# bars it from being kept by a policy, until a success takes that back.

_GOALS: Mapping[Effect, tuple[Verdict, Callable[[Thresholds], int]]] = MappingProxyType(
    {
        Effect.SUCCESS: (Verdict.READY, lambda thresholds: thresholds.success),
        Effect.FAILURE: (Verdict.NOT_READY, lambda thresholds: thresholds.failure),
        Effect.DECIDES: (Verdict.NOT_READY, lambda _: 1),
    }
)

_NO_WORD = (Effect.FAILURE, Effect.UNKNOWN)
"""Neither bars the host nor takes that back."""


def judge(
    state: HostState, outcome: Outcome, thresholds: Thresholds, now: float, at: float, **facts: Any
) -> tuple[HostState, Transition]:
    """The state after the outcome, and what became of the verdict. ``now`` is monotonic, ``at`` Unix seconds.

    ``facts`` are fields of the state that change besides.
    """
    effect = outcome.effect
    if effect is Effect.UNKNOWN:
        return replace(state, **_heard(state, outcome, effect), **facts), Transition.UNCHANGED
    verdict, threshold = _GOALS[effect]
    moved, transition = _toward(verdict, state, threshold(thresholds), at)
    return replace(state, **_heard(state, outcome, effect), **facts, **moved, counted_at=now), transition


def hear(state: HostState, outcome: Outcome, **facts: Any) -> HostState:
    """The state with the outcome noted but not judged; ``facts`` as in ``judge``."""
    return replace(state, **_heard(state, outcome, outcome.effect), **facts)


def _heard(state: HostState, outcome: Outcome, effect: Effect) -> dict[str, Any]:
    barred = state.barred if effect in _NO_WORD else effect is Effect.DECIDES
    failed = effect is Effect.FAILURE or effect is Effect.DECIDES
    return {"outcome": outcome, "barred": barred, "fault": outcome.reason if failed else state.fault}


def seed(state: HostState, verdict: Verdict, at: float | None) -> HostState:
    """The state of an address that is stored with this verdict; its own word that came before outweighs that."""
    return replace(state, verdict=Verdict.NOT_READY if state.barred else verdict, streak=0, since=at)


def _toward(verdict: Verdict, state: HostState, threshold: int, at: float) -> tuple[dict[str, Any], Transition]:
    if state.verdict is verdict:
        return {"streak": 0}, Transition.UNCHANGED
    streak = state.streak + 1
    if state.verdict is Verdict.UNJUDGED or streak >= threshold:
        return {"verdict": verdict, "streak": 0, "since": at}, Transition.CHANGED
    return {"streak": streak}, Transition.PENDING
