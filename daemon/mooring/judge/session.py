"""A held session beside full logins: which of the two counts where they contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Effect, Reason

_MESSAGE = 256
"""Bytes of a message at most."""


@dataclass(frozen=True, slots=True)
class Login:
    """The last full login of a target; ``completed_at``: when a login last succeeded, in monotonic seconds."""

    observation: Observation
    completed_at: float


def note_login(before: Login | None, observation: Observation, started: float, now: float) -> Login:
    """The record after one more full login. Until one succeeds, ``completed_at`` is the start of the first."""
    if observation.reason is Reason.OK:
        return Login(observation, now)
    return Login(observation, started if before is None else before.completed_at)


def weigh(held: Observation, login: Login, now: float, patience: float) -> Observation:
    """The observation from an answer over a held session and the last full login.

    ``patience``: seconds without a completed login after which the answer proves nothing ("long since").

    full login              | the held session answers           | it does not
    ------------------------+------------------------------------+----------------
    completed               | its answer                         | its failure
    refused (auth, quota)   | its answer, with the refusal       | its failure
    other unknown (local)   | unknown, as the login says         | its failure
    saturated               | saturated, held                    | its failure
    failed, not long        | its answer, with the cause         | its failure
    failed, long since      | the failure of the login           | its failure
    the same, with a cause  | that failure, held                 | its failure
    """
    full = login.observation
    if held.reason is not Reason.OK or full.reason is Reason.OK:
        told = full.caution or full.not_after is not None
        return replace(held, caution=full.caution, not_after=full.not_after) if told else held
    if full.reason is Reason.SATURATED:
        return replace(full, held=True, latency=None, facts=held.facts, unread=held.unread)
    if full.reason in (Reason.AUTH, Reason.QUOTA):
        refused = f"the held session answers; a new login is refused: {full.message}"
        message = f"{held.message}; {refused}" if held.message else refused
        return replace(held, message=_cut(message), caution=_cut(refused))
    if full.cause and now - login.completed_at > patience:
        return replace(full, held=True, latency=None, facts=held.facts, unread=held.unread)
    unknown = MEANINGS[full.reason].effect is Effect.UNKNOWN
    if unknown or now - login.completed_at > patience:
        return replace(full, latency=None)
    return replace(held, cause=full.cause)


def _cut(message: str) -> str:
    return message.encode()[:_MESSAGE].decode("utf-8", "ignore")
