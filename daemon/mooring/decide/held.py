"""What a session that is held hides, and what is believed when a full login says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mooring.model import Observation
from mooring.reasons import MEANINGS, Effect, Reason

INTERVALS = 2.0
"""Without a completed full login for so many of its intervals, a held session that answers proves nothing any more."""


@dataclass(frozen=True, slots=True)
class Login:
    """The last full login of a target, and when, in monotonic seconds, one last came to its end as it should."""

    observation: Observation
    completed_at: float


def after(before: Login | None, observation: Observation, started: float, now: float) -> Login:
    """What is known after one more full login; ``started`` is when the first one was begun, for want of a completed."""
    if observation.reason is Reason.OK:
        return Login(observation, now)
    return Login(observation, started if before is None else before.completed_at)


def weigh(held: Observation, login: Login, now: float, interval: float) -> Observation:
    """What to make of an answer over a held session.

    full login         | the held session answers     | it does not
    -------------------+------------------------------+----------------
    completed          | its answer                   | its failure
    our fault (auth)   | unknown, as the login says   | its failure
    saturated          | saturated, held              | its failure
    failed, not long   | its answer                   | its failure
    failed, long since | the failure of the login     | its failure
    """
    full = login.observation
    if held.reason is not Reason.OK or full.reason is Reason.OK:
        return held
    if full.reason is Reason.SATURATED:
        return replace(full, held=True, latency=None, facts=held.facts, unread=held.unread)
    unknown = MEANINGS[full.reason].effect is Effect.UNKNOWN
    if unknown or now - login.completed_at > INTERVALS * interval:
        return replace(full, latency=None)
    return held
