"""Name lookups, each with a total lifetime, by dnspython: the standard library's cannot be given one.

It reads /etc/resolv.conf with its search domains; /etc/hosts is not asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import dns.exception
import dns.resolver

from mooring.decide.names import Held, update
from mooring.engine.workers import Workers

LIFETIME_SECONDS = 2.0
REFRESH_SECONDS = 5.0
WORKERS = 8


def lookup(name: str, make: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver) -> tuple[str, ...] | None:
    """The IPv4 and IPv6 addresses that the name holds now; None when that could not be found out.

    ``make`` gives a resolver; the ordinary one reads the system's configuration anew each time.
    """
    try:
        resolver = make()
        resolver.use_search_by_default = True
        answers = resolver.resolve_name(name, lifetime=LIFETIME_SECONDS)
        return tuple(sorted(set(answers.addresses()))) or None
    except (dns.exception.DNSException, OSError, ValueError):
        return None


class Names:
    """Keeps what each name holds; ``on_change`` is called in a worker thread after the held set of one changed."""

    def __init__(
        self,
        names: Iterable[str],
        on_change: Callable[[], None],
        look: Callable[[str], tuple[str, ...] | None] = lookup,
    ) -> None:
        self._held = dict.fromkeys(names, Held())
        self._on_change = on_change
        self._look = look
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._fresh = set(self._held)
        self.looked = threading.Event()
        """Set once every name was looked up, whether that succeeded or not."""
        self._workers = Workers("lookup", WORKERS)

    def __bool__(self) -> bool:
        return bool(self._held)

    def replace(self, names: Iterable[str]) -> None:
        """From now on these names are kept; known ones keep what they hold, new ones are looked up at once."""
        with self._lock:
            self._held = {name: self._held.get(name, Held()) for name in names}
            self._fresh &= self._held.keys()
        self.refresh()

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        with self._lock:
            return {name: held.addresses for name, held in self._held.items()}

    def refresh(self) -> None:
        """Hands every name to the workers, save those whose last lookup has not ended; returns at once."""
        with self._lock:
            due = self._held.keys() - self._busy
            self._busy |= due
        for name in sorted(due):
            self._workers.submit(partial(self.learn, name))

    def learn(self, name: str) -> None:
        """Looks the name up, in the caller's thread."""
        answer = self._look(name)
        changed = False
        with self._lock:
            if before := self._held.get(name):  # else it has left the file meanwhile
                self._held[name] = update(before, answer)
                changed = self._held[name].addresses != before.addresses
            self._busy.discard(name)
            self._fresh.discard(name)
            if not self._fresh:
                self.looked.set()
        if changed:
            self._on_change()
