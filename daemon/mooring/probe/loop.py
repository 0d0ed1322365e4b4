"""One thread that waits for sockets, for timers, and for tasks of other threads."""

from __future__ import annotations

import heapq
import itertools
import os
import select
import socket
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from mooring.model.clocks import Clocks
from mooring.probe.unread import UnreadSockets

Task = Callable[[], None]
Handler = Callable[[int], None]
"""Gets the events of its socket (``select.EPOLL…``). The loop may call it once more after ``forget``."""

HANGUP = select.EPOLLRDHUP
"""Only the end of the connection: an answer does not wake the loop."""
ANSWER = select.EPOLLIN | select.EPOLLRDHUP
CONNECTED = select.EPOLLOUT

TURN_SECONDS = 1.0
"""The longest pause of the thread where nothing happens at all."""


class Timer:
    """A task that the loop runs at a moment, unless somebody cancels it before."""

    __slots__ = ("task",)

    def __init__(self, task: Task) -> None:
        self.task: Task | None = task

    def cancel(self) -> None:
        self.task = None


class Loop:
    """Any thread may use ``call`` and ``stop``; all other methods are for tasks and handlers in the loop's thread."""

    def __init__(self, clocks: Clocks) -> None:
        self._monotonic = clocks.monotonic
        self._epoll = select.epoll()
        self.unread = UnreadSockets()
        """For tasks and handlers in the loop's thread only."""
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._wakeup)  # when no thread can call() any more
        self._handlers: dict[int, Handler] = {}
        self._epoll.register(self._wakeup, select.EPOLLIN | select.EPOLLET)
        self._handed: deque[Task] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._stopped = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.turned_at = clocks.monotonic()

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Runs the tasks that were handed in before, and ends."""
        self.call(self._end)
        self._thread.join(seconds)

    def call(self, task: Task) -> None:
        """Runs the task soon; may be called from any thread. Once the loop has ended, it is run at once."""
        self._handed.append(task)
        if self._ended:  # read after the append: either this thread or the loop's last turn runs the task
            self._run_handed()
        else:
            os.eventfd_write(self._wakeup, 1)

    def soon(self, task: Task) -> None:
        """Runs the task in this turn, after what runs now."""
        self._handed.append(task)

    def at(self, moment: float, task: Task) -> Timer:
        """Runs the task at ``moment`` (monotonic seconds), to the millisecond."""
        timer = Timer(task)
        heapq.heappush(self._timers, (moment, next(self._numbers), timer))
        return timer

    def watch(self, sock: socket.socket, events: int, handler: Handler) -> None:
        number = sock.fileno()
        if number in self._handlers:
            self._epoll.modify(number, events)
        else:
            self._epoll.register(number, events)
        self._handlers[number] = handler

    def forget(self, sock: socket.socket) -> None:
        """To be called before the socket is closed."""
        if self._handlers.pop(sock.fileno(), None) is not None:
            with suppress(OSError):
                self._epoll.unregister(sock.fileno())

    def _end(self) -> None:
        self._stopped = True

    def _run(self) -> None:
        while not self._stopped:
            self._turn()
        self._ended = True
        self._run_handed()

    def _turn(self) -> None:
        happened = self._epoll.poll(self._pause(), 256)
        self.turned_at = self._monotonic()
        # Looked up first: a handler may close a socket whose number the next one opens.
        for handler, events in [(self._handlers.get(number), events) for number, events in happened]:
            if handler is not None:
                handler(events)
        self._run_timers()
        self._run_handed()

    def _run_handed(self) -> None:
        while True:
            try:
                task = self._handed.popleft()
            except IndexError:
                return
            task()

    def _pause(self) -> float:
        if self._handed:
            return 0.0
        if not self._timers:
            return TURN_SECONDS
        return min(TURN_SECONDS, max(0.0, self._timers[0][0] - self._monotonic()))

    def _run_timers(self) -> None:
        now = self._monotonic()
        while self._timers and self._timers[0][0] <= now:
            task = heapq.heappop(self._timers)[2].task
            if task is not None:
                task()
