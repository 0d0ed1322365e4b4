"""A lost session is evidence, not a verdict: which probes confirm the loss. Pure; times are monotonic seconds."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from mooring.model.probes import Observation
from mooring.model.reasons import Reason

STORM_SECONDS = 1.0
STORM_HOSTS = 3
STORM_PART = 0.5


def confirms(observation: Observation, *, greeted: bool) -> bool:
    """Whether a fresh connection was refused, or closed without a byte: no server listens there at this moment."""
    return observation.reason is Reason.REFUSED or (observation.reason is Reason.RESET and not greeted)


class Losses:
    """The sessions that were lost lately: one loss is evidence about a host, many at once about Mooring itself."""

    def __init__(self) -> None:
        self._lately: dict[Hashable, tuple[float, str]] = {}
        """When each session was lost last, and its host; the oldest first."""

    def note(self, now: float, address: str, session: Hashable) -> None:
        """Notes a loss. A session that is lost, opened again and lost again counts once."""
        self._lately.pop(session, None)
        self._lately[session] = now, address

    def storm(self, now: float, held: Callable[[], int]) -> bool:
        """Whether sessions of three hosts, or over half of all sessions, were lost within a second.

        ``held`` gives the number of sessions that still stand.
        """
        self._forget(now - STORM_SECONDS)
        hosts: set[str] = set()
        for _, address in self._lately.values():
            hosts.add(address)
            if len(hosts) == STORM_HOSTS:  # a thousand losses call this a thousand times
                return True
        lost = len(self._lately)
        return lost > STORM_PART * (lost + held())

    def _forget(self, before: float) -> None:
        while self._lately:
            session, (at, _) = next(iter(self._lately.items()))
            if at >= before:
                return
            del self._lately[session]
