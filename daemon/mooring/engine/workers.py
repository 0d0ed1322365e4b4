"""A bounded crew of threads that never keep the process from ending."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Workers:
    """Runs each task in a thread of its own as long as there are fewer than ``bound``; threads are kept and reused.

    A task must end by itself (every probe and lookup has a deadline). An exception that leaves a task is a defect:
    it goes to ``threading.excepthook``, and takes only its own thread with it.
    """

    def __init__(self, name: str, bound: int) -> None:
        self._name = name
        self._bound = bound
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._free = 0

    def submit(self, task: Callable[[], None]) -> None:
        """Queues the task; the caller bounds how many wait."""
        with self._lock:
            grow = self._free == 0 and self._threads < self._bound
            if grow:
                self._threads += 1
            elif self._free:
                self._free -= 1
        self._tasks.put(task)
        if grow:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        try:
            while True:
                self._tasks.get()()  # in no variable: a thread that waits is to keep nothing of its last task alive
                with self._lock:
                    self._free += 1
        finally:
            with self._lock:
                self._threads -= 1
