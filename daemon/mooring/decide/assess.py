"""What one Service makes of an observation."""

from __future__ import annotations

from mooring.model import Observation, Outcome
from mooring.reasons import Reason

_SHOWN = 80
"""Characters shown of an answer, before they are escaped."""
_MESSAGE = 256
"""Bytes of a message at most; it is ASCII by then."""


def assess(observation: Observation, expect: str | None, *, keeps: bool = False) -> Outcome:
    """The outcome for a Service that expects this answer, None where any answer will do.

    ``keeps``: the host is saturated under a session that answers, and the Service keeps such hosts.
    """
    if observation.reason is Reason.OK and expect is not None and observation.answer != expect:
        return Outcome(Reason.OFFLINE, _unexpected(observation.answer, expect))
    return Outcome(observation.reason, observation.message, stays=keeps)


def _unexpected(answer: str | None, expect: str) -> str:
    said = "gave no answer" if answer is None else f"answered {answer[:_SHOWN]!a}"
    return f"{said}, expected {expect[:_SHOWN]!a}"[:_MESSAGE]
