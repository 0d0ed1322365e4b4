"""An action that many callers ask for at once, and that runs once for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Coalesced:
    """Runs ``action`` soon after ``ask``, in a thread of its own, and then rests for ``seconds``."""

    def __init__(self, action: Callable[[], None], seconds: float) -> None:
        self._action = action
        self._seconds = seconds
        self._asked = threading.Event()
        self._stopping = threading.Event()

    def start(self) -> None:
        """From now on; an ``ask`` before this counts."""
        threading.Thread(target=self._run, name="assign", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        self._asked.set()

    def ask(self) -> None:
        """Never waits."""
        self._asked.set()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._stopping.is_set():
                return
            self._action()
            self._stopping.wait(self._seconds)
