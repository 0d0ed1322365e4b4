"""``threading``, ``time``, ``queue`` and ``datetime`` as a simulated process has them."""

from __future__ import annotations

import datetime as dt
import threading as real_threading
import time as real_time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from simulation.kernel import Task
from simulation.locks import Condition, Event, Lock, RLock, Semaphore, Waiting, World, wait_in, wake_one


class Local:
    """Its attributes are each task's own."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self._memory()[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._memory()[name] = value

    def _memory(self) -> dict[Any, Any]:
        task = World.kernel.current
        memory = World.kernel.nobody.memory if task is None else task.memory
        found: dict[Any, Any] = memory.setdefault(id(self), {})
        return found


class Thread:
    def __init__(
        self,
        target: Callable[..., None] | None = None,
        name: str = "",
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        self._target, self._args, self._kwargs = target, tuple(args), dict(kwargs or {})
        self.name = name
        self.daemon = daemon
        self._ended = Event()
        self._task: Task | None = None

    def start(self) -> None:
        kernel = World.kernel
        self._task = kernel.spawn(kernel.process, self.run, self.name)

    def run(self) -> None:
        try:
            if self._target:
                self._target(*self._args, **self._kwargs)
        except Exception as error:
            hook = World.kernel.process.excepthook
            if hook is None:
                raise
            hook(real_threading.ExceptHookArgs((type(error), error, error.__traceback__, self)))
        finally:
            self._ended.set()

    def join(self, timeout: float | None = None) -> None:
        self._ended.wait(timeout)

    def is_alive(self) -> bool:
        return self._task is not None and not self._ended.is_set()


class SimpleQueue:
    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiting: Waiting = deque()

    def __class_getitem__(cls, _item: Any) -> type[Self]:
        return cls

    def put(self, item: Any) -> None:
        self._items.append(item)
        wake_one(self._waiting)

    def get(self) -> Any:
        while not self._items:
            wait_in(self._waiting, None)
        return self._items.popleft()

    def qsize(self) -> int:
        return len(self._items)


class Threading:
    """The module ``threading``."""

    Thread, Lock, RLock, Condition, Event, local = Thread, Lock, RLock, Condition, Event, Local
    Semaphore = BoundedSemaphore = Semaphore
    ExceptHookArgs = real_threading.ExceptHookArgs
    TIMEOUT_MAX = real_threading.TIMEOUT_MAX

    @property
    def excepthook(self) -> Any:
        return World.kernel.process.excepthook

    @excepthook.setter
    def excepthook(self, hook: Any) -> None:
        World.kernel.process.excepthook = hook

    @staticmethod
    def current_thread() -> Any:
        return World.kernel.current


class Time:
    """The module ``time``."""

    CLOCK_BOOTTIME = real_time.CLOCK_BOOTTIME

    def __getattr__(self, name: str) -> Any:
        return getattr(real_time, name)

    @staticmethod
    def monotonic() -> float:
        return World.kernel.machine.monotonic()

    perf_counter = monotonic

    @staticmethod
    def time() -> float:
        return World.kernel.machine.wall()

    @staticmethod
    def clock_gettime(clock: int) -> float:
        assert clock == real_time.CLOCK_BOOTTIME
        return World.kernel.machine.boot()

    @staticmethod
    def sleep(seconds: float) -> None:
        World.kernel.park(World.kernel.machine.monotonic() + max(0.0, seconds))


class Datetime(dt.datetime):
    """``datetime.datetime`` whose now is the machine's."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        return dt.datetime.fromtimestamp(World.kernel.machine.wall(), tz)


threading = Threading()
time = Time()
