"""A bounded crew of threads that never keep the process from ending."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], None]
Inbox = SimpleQueue[Task]


class Workers:
    """Runs each task in a thread of its own as long as there are fewer than ``bound``; threads are kept and reused.

    A task must end by itself (every probe and lookup has a deadline). An exception that leaves a task is a defect:
    it goes to ``threading.excepthook``, and takes only its own thread with it.
    """

    def __init__(self, name: str, bound: int) -> None:
        self._name = name
        self._bound = bound
        self._lock = threading.Lock()
        self._threads = 0
        self._idle: list[Inbox] = []
        self._waiting: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """Hands the task to who was idle last, for that thread is still warm; the caller bounds how many wait."""
        with self._lock:
            grow = not self._idle and self._threads < self._bound
            if grow:
                self._threads += 1
            elif not self._idle:
                self._waiting.append(task)
                return
            inbox = Inbox() if grow else self._idle.pop()
        inbox.put(task)
        if grow:
            threading.Thread(target=self._work, args=(inbox,), name=self._name, daemon=True).start()

    def _work(self, inbox: Inbox) -> None:
        try:
            while True:
                inbox.get()()  # in no variable: a thread that waits is to keep nothing of its last task alive
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
