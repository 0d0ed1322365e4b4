"""Bounds how many fresh connections are opened at a time: a thousand lost sessions must not be a thousand logins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

LOGINS = 50
"""Fresh probes under way at most."""


class Permit:
    """One place: waits for its turn, enters, and leaves once. A permit that leaves while it waits never enters."""

    __slots__ = ("_begin", "_limiter")

    def __init__(self, limiter: ConnectLimiter, begin: Callable[[], None]) -> None:
        self._limiter: ConnectLimiter | None = limiter
        self._begin: Callable[[], None] | None = begin

    @property
    def waits(self) -> bool:
        return self._limiter is not None and self._begin is not None

    def enter(self) -> None:
        begin, self._begin = self._begin, None
        if begin is not None:
            begin()

    def leave(self) -> None:
        limiter, self._limiter = self._limiter, None
        if limiter is not None and self._begin is None:
            limiter.free()


class ConnectLimiter:
    """Lets so many permits in at a time; urgent ones first."""

    def __init__(self, permits: int = LOGINS) -> None:
        self._free = permits
        self._urgent: deque[Permit] = deque()
        self._patient: deque[Permit] = deque()

    def enter(self, begin: Callable[[], None], *, urgent: bool) -> Permit:
        """Calls ``begin`` once there is a place, now or later."""
        permit = Permit(self, begin)
        (self._urgent if urgent else self._patient).append(permit)
        self._let_in()
        return permit

    def free(self) -> None:
        self._free += 1
        self._let_in()

    def _let_in(self) -> None:
        while self._free and (self._urgent or self._patient):
            permit = (self._urgent or self._patient).popleft()
            if permit.waits:
                self._free -= 1
                permit.enter()


class RateLimiter:
    """Allows ``rate`` a second, and at most a tenth of that at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate / 10)
        self._credit = self._most
        self._at = 0.0

    def allows(self, now: float) -> bool:
        """Takes one, if the rate allows one at ``now`` (monotonic seconds)."""
        self._credit = min(self._most, self._credit + (now - self._at) * self._rate)
        self._at = now
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True
