"""One host: how an outcome moves its verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from mooring.model import HostState, Outcome, Thresholds, Transition, Verdict
from mooring.reasons import Effect

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


def judge(
    state: HostState, outcome: Outcome, thresholds: Thresholds, now: float, at: float
) -> tuple[HostState, Transition]:
    """The state after the outcome, and what became of the verdict. ``now`` is monotonic, ``at`` Unix seconds."""
    heard = hear(state, outcome)
    if outcome.effect is Effect.UNKNOWN:
        return heard, Transition.UNCHANGED
    verdict, threshold = _GOALS[outcome.effect]
    return _toward(verdict, replace(heard, counted_at=now), threshold(thresholds), at)


def hear(state: HostState, outcome: Outcome) -> HostState:
    """The state with the outcome noted but not judged."""
    barred = {Effect.DECIDES: True, Effect.SUCCESS: False}.get(outcome.effect, state.barred)
    failed = outcome.effect in {Effect.FAILURE, Effect.DECIDES}
    return replace(state, outcome=outcome, barred=barred, fault=outcome.reason if failed else state.fault)


def seed(state: HostState, verdict: Verdict, at: float | None) -> HostState:
    """The state of an address that is stored with this verdict; its own word that came before outweighs that."""
    return replace(state, verdict=Verdict.NOT_READY if state.barred else verdict, streak=0, since=at)


def _toward(verdict: Verdict, state: HostState, threshold: int, at: float) -> tuple[HostState, Transition]:
    if state.verdict is verdict:
        return replace(state, streak=0), Transition.UNCHANGED
    streak = state.streak + 1
    if state.verdict is Verdict.UNJUDGED or streak >= threshold:
        return replace(state, verdict=verdict, streak=0, since=at), Transition.CHANGED
    return replace(state, streak=streak), Transition.PENDING
