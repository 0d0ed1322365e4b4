"""A TCP connection, opened and closed."""

from __future__ import annotations

from mooring.model import Observation, Target
from mooring.protocols.attempt import Attempt, attempt
from mooring.reasons import Reason


def probe(target: Target) -> Observation:
    """Whether something listens. Never raises; ends within the target's timeout."""
    return attempt(target, _connect)


def _connect(running: Attempt) -> Observation:
    running.dial()
    return Observation(Reason.OK)
