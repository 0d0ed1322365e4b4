"""How many fresh connections are made at a time: a thousand lost sessions must not become a thousand logins at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

LOGINS = 50
"""Under way at most."""
FULL_LOGINS_A_SECOND = 50.0
"""Beside held sessions, over all of them."""


class Place:
    """Waits for its turn, is in, and leaves once; whoever leaves while waiting is not let in any more."""

    __slots__ = ("_begin", "_gate")

    def __init__(self, gate: Gate, begin: Callable[[], None]) -> None:
        self._gate: Gate | None = gate
        self._begin: Callable[[], None] | None = begin

    @property
    def waits(self) -> bool:
        return self._gate is not None and self._begin is not None

    def enter(self) -> None:
        begin, self._begin = self._begin, None
        if begin is not None:
            begin()

    def leave(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None and self._begin is None:
            gate.free()


class Gate:
    """Lets so many in at a time; who is urgent goes first."""

    def __init__(self, places: int = LOGINS) -> None:
        self._free = places
        self._urgent: deque[Place] = deque()
        self._patient: deque[Place] = deque()

    def enter(self, begin: Callable[[], None], *, urgent: bool) -> Place:
        """Calls ``begin`` now or later."""
        place = Place(self, begin)
        (self._urgent if urgent else self._patient).append(place)
        self._let_in()
        return place

    def free(self) -> None:
        self._free += 1
        self._let_in()

    def _let_in(self) -> None:
        while self._free and (self._urgent or self._patient):
            place = (self._urgent or self._patient).popleft()
            if place.waits:
                self._free -= 1
                place.enter()


class Pace:
    """At most so many a second, no more than a tenth of a second's worth at once."""

    def __init__(self, rate: float = FULL_LOGINS_A_SECOND) -> None:
        self._rate = rate
        self._most = max(1.0, rate / 10)
        self._credit = self._most
        self._at = 0.0

    def allows(self, now: float) -> bool:
        """Takes one, if there is one at ``now`` (monotonic seconds)."""
        self._credit = min(self._most, self._credit + (now - self._at) * self._rate)
        self._at = now
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True
