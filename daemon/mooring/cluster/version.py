"""Which Kubernetes answers, and whether it is new enough for Mooring."""

from __future__ import annotations

import re
import threading

from mooring.cluster.client import Api
from mooring.cluster.deadline import start_thread
from mooring.model.errors import ClusterError, Rejected, Unavailable

LEAST = (1, 25)
"""1.19 to 1.21 mirrored addresses that are not ready as ready ones; EndpointSlices are stable since 1.21."""
AGAIN_SECONDS = 1.0


def too_old(api: Api) -> str | None:
    """Why this Kubernetes is too old; None where it is new enough, and where our account may not ask.

    Raises:
        Unavailable: there is no answer, or one without a version.
    """
    try:
        answer = api.get("/version")
    except Rejected:
        return None
    numbers = [re.match(r"\d+", str(answer.get(field) or "")) for field in ("major", "minor")]
    found = tuple(int(number.group()) for number in numbers if number)
    if len(found) != len(LEAST):
        raise Unavailable("what answers for /version is no Kubernetes")
    if found >= LEAST:
        return None
    least, is_ = (".".join(map(str, version)) for version in (LEAST, found))
    return f"this is Kubernetes {is_}; Mooring needs {least} or newer, for older ones may send traffic to dead hosts"


class Version:
    """Asks for the version, in a thread of its own, until there is an answer: no Service waits for it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._why: str | None = None
        self._error: ClusterError = Unavailable("the API server has not answered yet")
        self._stopped = threading.Event()
        self.answered = threading.Event()

    def start(self) -> None:
        """Where the process may have no thread more, tries again each second."""
        start_thread(self._run, "version", self._stopped, self._note_refusal)

    def _note_refusal(self) -> None:
        self._error = Unavailable("nobody asks for its version yet: this process may have no thread more")

    def stop(self) -> None:
        self._stopped.set()

    def too_old(self) -> str | None:
        """As the function of this name. Raises Unavailable: there is no answer yet, and why."""
        if not self.answered.is_set():
            raise self._error.with_traceback(None)
        return self._why

    def _run(self) -> None:
        while not self._stopped.is_set() and not self.answered.is_set():
            try:
                self._why = too_old(self._api)
                self.answered.set()
            except ClusterError as error:
                self._error = error
                self._stopped.wait(AGAIN_SECONDS)
