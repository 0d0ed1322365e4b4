"""Looks up the API server's name as the system does, within a deadline, and keeps its last addresses."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Sequence

KNOWN_SECONDS = 0.5
"""How long a call waits for a lookup where it knows addresses already."""

Lookup = Callable[[str, int], Sequence[str]]


def system_lookup(name: str, port: int) -> Sequence[str]:
    """By getaddrinfo, which reads /etc/hosts and takes no deadline. Raises OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class ServerNames:
    """The addresses of each name; at most one lookup of a name is under way, whoever waits for it."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._lock = threading.Lock()
        self._known: dict[str, Sequence[str]] = {}
        self._waiting: dict[str, list[queue.SimpleQueue[OSError | None]]] = {}

    def addresses(self, name: str, port: int, seconds: float) -> Sequence[str]:
        """The addresses of the name now, or the last ones where no answer comes within so many seconds.

        Raises:
            OSError: none were ever known.
        """
        known = self._known.get(name)
        error = self._ask(name, port, seconds if known is None else min(seconds, KNOWN_SECONDS))
        found = self._known.get(name)
        if found is None:
            raise error or TimeoutError(f"the name {name} was not looked up in time")
        return found

    def _ask(self, name: str, port: int, seconds: float) -> OSError | None:
        answer: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()
        with self._lock:
            waiting = self._waiting.setdefault(name, [])
            waiting.append(answer)
            first = len(waiting) == 1
        if first:
            self._begin(name, port)
        try:
            return answer.get(timeout=seconds)
        except queue.Empty:
            return None

    def _begin(self, name: str, port: int) -> None:
        try:
            threading.Thread(target=self._learn, args=(name, port), name="lookup", daemon=True).start()
        except RuntimeError:
            self._end(name, OSError(f"the name {name} was not looked up: this process may have no thread more"))

    def _learn(self, name: str, port: int) -> None:
        error: OSError | None = None
        try:
            if found := self._lookup(name, port):
                self._known[name] = found
        except (OSError, UnicodeError) as problem:
            error = problem if isinstance(problem, OSError) else OSError(f"{name} is no name of a host")
        finally:
            self._end(name, error)

    def _end(self, name: str, error: OSError | None) -> None:
        with self._lock:
            waiting = self._waiting.pop(name, [])
        for one in waiting:
            one.put(error)
