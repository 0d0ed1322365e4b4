"""How an outcome moves the verdict of one host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from mooring.model.reasons import Effect
from mooring.model.spec import Thresholds
from mooring.model.verdicts import Judgement, Outcome, Transition, Verdict

# verdict      | success                  | failure, counted         | the host's own word | unknown
# -------------+--------------------------+--------------------------+---------------------+-----------
# never judged | ready                    | not ready                | not ready           | unchanged
# ready        | streak ends              | streak + 1, at           | not ready           | unchanged,
#              |                          | failure: not ready       |                     | streak stays
# not ready    | streak + 1, at           | streak ends              | streak ends         | unchanged,
#              | success: ready           |                          |                     | streak stays
#
# A streak counts consecutive outcomes against the verdict; each change of verdict ends it. After the host's own word
# no policy keeps the host, until a success takes that word back. A verdict that is held back (``judge.flap``) stays,
# and its streak goes on.

_GOALS: Mapping[Effect, tuple[Verdict, Callable[[Thresholds], int]]] = MappingProxyType(
    {
        Effect.SUCCESS: (Verdict.READY, lambda thresholds: thresholds.success),
        Effect.FAILURE: (Verdict.NOT_READY, lambda thresholds: thresholds.failure),
        Effect.DECIDES: (Verdict.NOT_READY, lambda _: 1),
    }
)

_NO_WORD = (Effect.FAILURE, Effect.UNKNOWN)
"""Effects that leave ``self_disqualified`` as it is."""
_FAILED = (Effect.FAILURE, Effect.DECIDES)


def judge(
    held: Judgement, outcome: Outcome, thresholds: Thresholds, at: float, *, damped: bool = False
) -> tuple[Judgement, Transition]:
    """The judgement after the outcome, and the transition of its verdict. ``at`` is Unix seconds.

    ``damped``: a rule holds the verdict back.
    """
    noted = note(held, outcome)
    if outcome.effect is Effect.UNKNOWN:
        return noted, Transition.UNCHANGED
    verdict, _ = _GOALS[outcome.effect]
    if held.verdict is verdict:
        return replace(noted, streak=0), Transition.UNCHANGED
    if turns(held, outcome, thresholds) is None or damped:
        return replace(noted, streak=held.streak + 1), Transition.PENDING
    return replace(noted, verdict=verdict, streak=0, since=at), Transition.CHANGED


def turns(held: Judgement, outcome: Outcome, thresholds: Thresholds) -> Verdict | None:
    """The verdict that the outcome brings, where nothing holds it back; None: the verdict stays."""
    verdict, threshold = _GOALS.get(outcome.effect, (held.verdict, None))
    if threshold is None or verdict is held.verdict:
        return None
    due = held.verdict is Verdict.UNJUDGED or held.streak + 1 >= threshold(thresholds)
    return verdict if due else None


def note(held: Judgement, outcome: Outcome) -> Judgement:
    """The judgement that shows the outcome, but does not count it."""
    effect = outcome.effect
    return replace(
        held,
        outcome=outcome,
        self_disqualified=held.self_disqualified if effect in _NO_WORD else effect is Effect.DECIDES,
        fault=outcome.reason if effect in _FAILED else held.fault,
    )


def seed(held: Judgement, verdict: Verdict, at: float | None) -> Judgement:
    """The judgement with the stored verdict; an earlier word of the host itself outweighs that one."""
    return replace(held, verdict=Verdict.NOT_READY if held.self_disqualified else verdict, streak=0, since=at)
