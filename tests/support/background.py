"""Something that goes on beside a test, in a thread of its own."""

from __future__ import annotations

import abc
import threading
from typing import Self


class Background(abc.ABC):
    """``with`` it: it runs until the block ends."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    @abc.abstractmethod
    def _run(self) -> None:
        """Ends soon after ``self._ending`` is set."""
