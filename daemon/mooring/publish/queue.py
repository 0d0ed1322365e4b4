"""Which key is worked on next. Sans-I/O: times are arguments, in monotonic seconds.

As client-go's work queue (k8s.io/client-go/util/workqueue): a key that is asked for twice is worked on once, a key that
is asked for while it is worked on is worked on once more afterwards, and no key is worked on twice at a time.
Beyond that:

- fresh verdicts come before changes in the cluster, and these before retries and looks without a cause;
- a key that failed pauses: only a fresh verdict ends its pause early, and it delays no other key meanwhile;
- keys whose work takes long share a lane of their own, so that they leave the others their places;
- groups take turns: the group with the fewest keys under way comes first.
"""

from __future__ import annotations

import enum
import heapq
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
_SPARE_ENTRIES = 1024


class Cause(enum.IntEnum):
    """Why a key is worked on; the first ones come first."""

    VERDICT = 0
    CHANGE = 1
    TIME = 2


@dataclass(frozen=True, slots=True)
class Lanes:
    """How many keys are worked on at a time.

    At most ``quick`` keys whose work is not known to be slow, ``slow`` of the others, and ``most`` in all. One group
    leaves ``quick`` places of all to the others. Work is slow after ``slow_seconds``, and then frees its quick place.
    """

    quick: int = 8
    slow: int = 16
    most: int = 32
    slow_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Again:
    """When a key is worked on again without a new cause; with ``pause``, changes do not bring it back sooner."""

    at: float
    pause: bool = False


@dataclass(slots=True)
class _Timer:
    at: float
    cause: Cause


@dataclass(slots=True)
class WorkQueue(Generic[Key]):
    """Every key is in one place: in line, under way, or waiting for its time."""

    lanes: Lanes = field(default_factory=Lanes)
    group: Callable[[Key], Hashable] = lambda _key: None
    _lines: dict[tuple[bool, Cause], dict[Hashable, dict[Key, None]]] = field(init=False)
    """Keys that may be worked on now, by lane (slow or not), cause and group; of a group, first come first served."""
    _causes: dict[Key, Cause] = field(default_factory=dict)
    """The cause of each key in line."""
    _working: dict[Key, float] = field(default_factory=dict)
    """Keys under way, and when the work on each began."""
    _asked: dict[Key, Cause] = field(default_factory=dict)
    """Keys under way that were asked for meanwhile."""
    _slow: set[Key] = field(default_factory=set)
    _paused: set[Key] = field(default_factory=set)
    _timers: dict[Key, _Timer] = field(default_factory=dict)
    _heap: list[tuple[float, int, Key]] = field(default_factory=list)
    """The times of the timers, and of some timers that are gone."""
    _count: int = 0

    def __post_init__(self) -> None:
        self._lines = {(slow, cause): {} for slow in (False, True) for cause in Cause}

    def add(self, key: Key, cause: Cause) -> None:
        """The key is to be worked on now."""
        if key in self._working:
            self._asked[key] = min(cause, self._asked.get(key, cause))
        elif cause is Cause.VERDICT or key not in self._paused:
            self._line_up(key, cause)

    def add_at(self, key: Key, at: float, cause: Cause) -> None:
        """The key is to be worked on at that time, if not before."""
        timer = self._timers.get(key)
        if timer is None or at < timer.at:
            self._timers[key] = _Timer(at, cause)
            self._count += 1
            heapq.heappush(self._heap, (at, self._count, key))
            self._sweep()

    def forget(self, keys: Iterable[Key]) -> None:
        """These keys are not to be worked on; what is under way goes on."""
        for key in keys:
            self._leave(key)
            self._asked.pop(key, None)
            self._slow.discard(key)

    def take(self, now: float) -> Key | None:
        """The key to work on now; whoever takes it says ``done`` in the end."""
        self._wake(now)
        self._slow.update(key for key, begun in self._working.items() if now - begun >= self.lanes.slow_seconds)
        for slow in (False, True):
            if self._has_place(slow=slow) and (key := self._first(slow=slow)) is not None:
                self._leave(key)
                self._working[key] = now
                return key
        return None

    def done(self, key: Key, now: float, again: Again | None) -> None:
        """The work on the key has ended; without ``again`` only a new cause brings it back."""
        slow = now - self._working.pop(key) >= self.lanes.slow_seconds
        (self._slow.add if slow else self._slow.discard)(key)
        asked = self._asked.pop(key, None)
        if again is not None:
            self.add_at(key, again.at, Cause.TIME)
            if again.pause:
                self._paused.add(key)
        if asked is not None:
            self.add(key, asked)

    def next_at(self, now: float) -> float | None:
        """When there may be something to take, None where that needs a new cause or an end of work."""
        while self._heap and not self._is_valid(self._heap[0]):
            heapq.heappop(self._heap)
        moments = [self._heap[0][0]] if self._heap else []
        if self._first(slow=False) is not None:
            moments += [
                begun + self.lanes.slow_seconds for key, begun in self._working.items() if key not in self._slow
            ]
        return max(now, min(moments)) if moments else None

    @property
    def working(self) -> int:
        """How many keys are worked on."""
        return len(self._working)

    def _has_place(self, *, slow: bool) -> bool:
        taken = sum((key in self._slow) is slow for key in self._working)
        return len(self._working) < self.lanes.most and taken < (self.lanes.slow if slow else self.lanes.quick)

    def _first(self, *, slow: bool) -> Key | None:
        """The first key of the most urgent cause, of the group with the fewest keys under way."""
        under_way = Counter(self.group(key) for key in self._working)
        for cause in Cause:
            groups = [one for one in self._lines[slow, cause] if under_way[one] < self.lanes.most - self.lanes.quick]
            if groups:
                return next(iter(self._lines[slow, cause][min(groups, key=under_way.__getitem__)]))
        return None

    def _line_up(self, key: Key, cause: Cause) -> None:
        cause = min(cause, self._causes.get(key, cause))
        if self._causes.get(key) is not cause:
            self._leave(key)
            self._causes[key] = cause
            self._lines[key in self._slow, cause].setdefault(self.group(key), {})[key] = None

    def _leave(self, key: Key) -> None:
        """Takes the key out of its line, and ends its timer and its pause."""
        self._timers.pop(key, None)
        self._paused.discard(key)
        cause = self._causes.pop(key, None)
        if cause is not None:
            line, group = self._lines[key in self._slow, cause], self.group(key)
            del line[group][key]
            if not line[group]:
                del line[group]

    def _wake(self, now: float) -> None:
        """Lines up the keys whose time has come."""
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if self._is_valid(entry):
                self._ring(entry[2])

    def _ring(self, key: Key) -> None:
        cause = self._timers.pop(key).cause
        self._paused.discard(key)
        self.add(key, cause)

    def _is_valid(self, entry: tuple[float, int, Key]) -> bool:
        at, _, key = entry
        timer = self._timers.get(key)
        return timer is not None and timer.at == at

    def _sweep(self) -> None:
        """The heap is at most twice as long as there are timers."""
        if len(self._heap) > 2 * len(self._timers) + _SPARE_ENTRIES:
            self._heap = [(timer.at, number, key) for number, (key, timer) in enumerate(self._timers.items())]
            heapq.heapify(self._heap)
