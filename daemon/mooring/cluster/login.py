"""Bounds the login to a cluster: a kubeconfig may name a program that gives the token, and no limit for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from mooring.model.errors import NoCredentials
from mooring.protocols.transport.workers import Workers

LOGIN_SECONDS = 10.0
"""kubectl's plugins ask a server of their own, and take a second or two."""

Found = TypeVar("Found")


class BoundedLogin(Generic[Found]):
    """Calls ``login`` in a thread of its own, one at a time.

    The thread of the first login serves all later ones: a process that may have no thread more still bounds them.
    """

    def __init__(self, login: Callable[[], Found]) -> None:
        self._login = login
        self._workers = Workers("cluster login", 1)
        self._running: Future[Found] | None = None
        self._lock = threading.Lock()

    def __call__(self, seconds: float) -> Found:
        """What ``login`` returns, or raises. Waits at most so many seconds, and never longer than ``LOGIN_SECONDS``.

        Raises NoCredentials: it has not ended in time. Until it has, further calls wait for the same one. Raises
        RuntimeError: the process may have no thread for the first one.
        """
        seconds = min(seconds, LOGIN_SECONDS)
        with self._lock:
            running = self._running = self._running or self._begin()
        try:
            return running.result(seconds)
        except TimeoutError:
            if running.done():  # in this very moment; or the login itself raised it
                return running.result()
            why = f"the program that the kubeconfig names for it has given no token within {seconds:.1f} s"
            raise NoCredentials(f"no usable credentials for a cluster: {why}") from None
        finally:
            self._forget(running)

    def _forget(self, running: Future[Found]) -> None:
        """Whoever has its result ends it; one that came later than the calls that waited is the next one's."""
        with self._lock:
            if running.done() and self._running is running:
                self._running = None

    def _begin(self) -> Future[Found]:
        running: Future[Found] = Future()

        def run() -> None:
            try:
                running.set_result(self._login())
            except Exception as error:  # noqa: BLE001 -- whoever waits gets it
                running.set_exception(error)

        self._workers.submit(run)
        return running
