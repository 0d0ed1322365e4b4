"""A bounded pool of daemon threads: they never keep the process from ending."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], None]
Inbox = SimpleQueue[Task]


class Workers:
    """Runs tasks in at most ``bound`` threads, begun when needed and reused; further tasks wait.

    A task must end by itself (every probe and lookup has a deadline). An exception that leaves a task is a defect:
    it goes to ``threading.excepthook``, and ends only its own thread.
    """

    def __init__(self, name: str, bound: int) -> None:
        self._name = name
        self._bound = bound
        self._lock = threading.Lock()
        self._threads = 0
        self._idle: list[Inbox] = []
        self._waiting: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """Hands the task to the thread that was idle last: its caches are warm. The caller bounds how many tasks wait.

        Raises:
            RuntimeError: no thread is idle, and the process can start no more.
        """
        with self._lock:
            grow = not self._idle and self._threads < self._bound
            if grow:
                self._threads += 1
            elif not self._idle:
                self._waiting.append(task)
                return
            inbox = Inbox() if grow else self._idle.pop()
        if grow:
            self._grow(inbox)
        inbox.put(task)

    def _grow(self, inbox: Inbox) -> None:
        try:
            threading.Thread(target=self._work, args=(inbox,), name=self._name, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._threads -= 1
            raise

    def _work(self, inbox: Inbox) -> None:
        try:
            while True:
                inbox.get()()  # in no variable: a thread that waits must keep nothing of its last task alive
                with self._lock:
                    if self._waiting:
                        inbox.put(self._waiting.popleft())
                    else:
                        self._idle.append(inbox)
        finally:
            with self._lock:
                self._threads -= 1
                left = self._waiting.popleft() if self._waiting else None
            if left is not None:
                self.submit(left)
