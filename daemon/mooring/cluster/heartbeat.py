"""Asks an API server that says nothing of its own accord, so that its silence is noticed where nothing is written."""

from __future__ import annotations

import contextlib
import threading
import time

from mooring.cluster.client import Api
from mooring.cluster.deadline import start_thread
from mooring.model.errors import ClusterError

QUIET_SECONDS = 5.0
"""After so many seconds without any answer or event the server is asked. So its silence shows within
``QUIET_SECONDS + TURN_SECONDS + CALL_SECONDS``."""
TURN_SECONDS = 2.5
PATH = "/version"
"""Every account may read it; a refusal is an answer, too."""


class Heartbeat:
    """Asks in a thread of its own; ``Api.unheard_since`` has the result."""

    def __init__(self, api: Api, quiet: float = QUIET_SECONDS, turn: float = TURN_SECONDS) -> None:
        self._api = api
        self._quiet = quiet
        self._turn = turn
        self._stopped = threading.Event()

    def start(self) -> None:
        """Where the process may have no thread more, tries again each second."""
        start_thread(self._run, "heartbeat", self._stopped)

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._turn):
            if self._is_due(time.time()):
                with contextlib.suppress(ClusterError):
                    self._api.get(PATH)

    def _is_due(self, now: float) -> bool:
        """Also where the clock was set back, and while the server is silent: its return must show, too."""
        silent = now - self._api.heard_at
        return self._api.unheard_since is not None or not 0 <= silent < self._quiet
