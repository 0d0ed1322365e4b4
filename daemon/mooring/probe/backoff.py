"""When the next login may be made at one address, port and credentials. Pure; times are monotonic seconds.

the last login ended by       | the next one may begin
------------------------------+--------------------------------------------------------------
a refusal (``auth``, ``quota``) | after 1, 2, 4 … 60 s, doubled with each refusal in a row
``tls``                       | at the period, three times; then once a minute
anything else                 | at the period: the row of refusals, or of ``tls``, has ended
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from mooring.model.backoff import doubled
from mooring.model.probes import Observation
from mooring.model.reasons import Reason

FIRST_SECONDS, MOST_SECONDS = 1.0, 60.0
TLS_TRIES = 3
"""Tries at the period that follow the first ``tls`` failure."""
STILL_REFUSED_SECONDS = 600.0
"""How long Mooring takes silence after its credentials for the last refusal."""
REFUSALS = frozenset({Reason.AUTH, Reason.QUOTA})


@dataclass(frozen=True, slots=True)
class Backoff:
    """How the last logins ended, as far as the next one depends on that."""

    refusals: int = 0
    """In a row."""
    tls_failures: int = 0
    """In a row."""
    next_at: float = -inf
    """No login begins before this."""
    refusal: Observation | None = None
    """The last refusal of the present row."""
    refused_at: float = -inf

    def refused_lately(self, now: float) -> Observation | None:
        """The last refusal, where it is recent enough to explain silence after Mooring's credentials."""
        return self.refusal if now - self.refused_at < STILL_REFUSED_SECONDS else None


def after(before: Backoff, ended: Observation, now: float, *, logged_in: bool) -> Backoff:
    """The backoff after a login that ended ``now``; ``logged_in``: the server refused at most a question behind it."""
    if ended.reason in REFUSALS and not logged_in:
        wait = doubled(FIRST_SECONDS, MOST_SECONDS, before.refusals + 1)
        return Backoff(refusals=before.refusals + 1, next_at=now + wait, refusal=ended, refused_at=now)
    if ended.reason is Reason.TLS:
        failures = before.tls_failures + 1
        return Backoff(tls_failures=failures, next_at=now + MOST_SECONDS if failures > TLS_TRIES else -inf)
    return Backoff()


def hurried(before: Backoff) -> Backoff:
    """The next login may begin at once, as a session was lost; one more refusal waits longer all the same."""
    return replace(before, next_at=-inf)
