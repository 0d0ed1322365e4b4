"""Locks and events between the tasks of a simulated process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from simulation.kernel import Kernel, Task

Waiting = deque[tuple[Task, int]]


class World:
    """The kernel of the world that is being simulated; one at a time."""

    kernel: Kernel


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None or timeout < 0 else World.kernel.machine.monotonic() + timeout


def wait_in(waiting: Waiting, deadline: float | None) -> bool:
    kernel = World.kernel
    task = kernel.current
    assert task is not None, "nobody but a task may wait"
    entry = (task, task.ticket + 1)
    waiting.append(entry)
    woken = kernel.park(deadline)
    if not woken and entry in waiting:
        waiting.remove(entry)
    return woken


def wake_one(waiting: Waiting) -> bool:
    kernel = World.kernel
    while waiting:
        task, ticket = waiting.popleft()
        if task.waits and task.ticket == ticket and not task.process.dead:
            kernel.wake(task, ticket)
            return True
    return False


class Lock:
    """Not reentrant."""

    def __init__(self) -> None:
        self._held = False
        self._waiting: Waiting = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002 -- as the library's
        World.kernel.give_way()
        deadline = _deadline(timeout)
        while self._held:
            if not blocking or not wait_in(self._waiting, deadline):
                return False
        self._held = True
        return True

    def release(self) -> None:
        self._held = False
        if self._waiting:
            wake_one(self._waiting)

    def locked(self) -> bool:
        return self._held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class RLock:
    def __init__(self) -> None:
        self._owner: Task | None = None
        self._depth = 0
        self._waiting: Waiting = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002 -- as the library's
        kernel = World.kernel
        if self._depth and self._owner is kernel.current:
            self._depth += 1
            return True
        kernel.give_way()
        deadline = _deadline(timeout)
        while self._depth:
            if not blocking or not wait_in(self._waiting, deadline):
                return False
        self._owner, self._depth = kernel.current, 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if not self._depth and self._waiting:
            wake_one(self._waiting)

    def leave(self) -> int:
        depth, self._depth = self._depth, 0
        if self._waiting:
            wake_one(self._waiting)
        return depth

    def enter_again(self, depth: int) -> None:
        self.acquire()
        self._depth = depth

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Condition:
    def __init__(self) -> None:
        self._lock = RLock()
        self._waiting: Waiting = deque()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        deadline = None if timeout is None else World.kernel.machine.monotonic() + max(0.0, timeout)
        depth = self._lock.leave()
        woken = wait_in(self._waiting, deadline)
        self._lock.enter_again(depth)
        return woken

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        deadline = None if timeout is None else World.kernel.machine.monotonic() + timeout
        while not (found := predicate()):
            left = None if deadline is None else deadline - World.kernel.machine.monotonic()
            if left is not None and left <= 0:
                break
            self.wait(left)
        return found

    def notify(self, count: int = 1) -> None:
        for _ in range(count):
            wake_one(self._waiting)

    def notify_all(self) -> None:
        while wake_one(self._waiting):
            pass


class Event:
    def __init__(self) -> None:
        self._set = False
        self._waiting: Waiting = deque()

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        while wake_one(self._waiting):
            pass

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            deadline = None if timeout is None else World.kernel.machine.monotonic() + max(0.0, timeout)
            wait_in(self._waiting, deadline)
        return self._set


class Semaphore:
    def __init__(self, value: int = 1) -> None:
        self._value = value
        self._waiting: Waiting = deque()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:  # noqa: FBT001, FBT002 -- as the library's
        deadline = _deadline(timeout)
        while not self._value:
            if not blocking or not wait_in(self._waiting, deadline):
                return False
        self._value -= 1
        return True

    def release(self) -> None:
        self._value += 1
        wake_one(self._waiting)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
