"""The hosts of a file as they are now: names looked up, members on the board."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from mooring.board import Board
from mooring.decide.addresses import Network, parse
from mooring.decide.names import members
from mooring.events import AddressLeftOut, Event
from mooring.resolve import LIFETIME_SECONDS, WORKERS, Names
from mooring.spec import Port, ServiceKey, ServiceSpec

Networks = tuple[Network, ...]


class Fleet:
    """Puts every Service's members on the board, anew whenever a name changes what it holds."""

    def __init__(
        self,
        specs: Sequence[ServiceSpec],
        board: Board,
        allowed: Networks,
        emit: Callable[[Event], None],
        on_change: Callable[[], None],
    ) -> None:
        self._specs = specs
        self._board = board
        self._allowed = allowed
        self._emit = emit
        self._on_change = on_change
        self._told: frozenset[AddressLeftOut] = frozenset()
        self._lock = threading.Lock()
        self._ports: dict[ServiceKey, tuple[Port, ...]] = {}
        self.names = Names(_names(specs), self._changed)

    def replace(self, specs: Sequence[ServiceSpec]) -> None:
        """Musters for another file; what the board holds of Services that it does not list stays there."""
        with self._lock:
            self._specs = specs
        self.names.replace(_names(specs))
        self.muster()

    def muster(self) -> None:
        """The members as the names hold them now; an address that must be left out is told once."""
        with self._lock:
            left_out = frozenset(one for spec in self._specs for one in self._place(spec))
            news, self._told = left_out - self._told, left_out
        self._tell(news)

    def _tell(self, news: frozenset[AddressLeftOut]) -> None:
        for one in sorted(news, key=str):
            self._emit(one)

    def _place(self, listed: ServiceSpec) -> tuple[AddressLeftOut, ...]:
        spec = replace(listed, ports=listed.ports or self._ports.get(listed.key, ()))
        found = members(spec, self.names.addresses(), self._allowed)
        self._board.set_members(spec, found)
        return found.left_out

    def begin(self) -> None:
        """Musters with what the names hold, if that is known within a lookup's lifetime; otherwise without."""
        if self.names:
            self.names.refresh()
            self.names.looked.wait(LIFETIME_SECONDS)
        self.muster()

    def learn_ports(self, key: ServiceKey, ports: tuple[Port, ...]) -> None:
        """The cluster's ports: what they change is one Service, where the file leaves them to the cluster."""
        if self._ports.get(key) == ports:
            return
        with self._lock:
            self._ports[key] = ports
            placed = [self._place(spec) for spec in self._specs if spec.key == key and not spec.ports]
            news = frozenset[AddressLeftOut]().union(*placed) - self._told
            self._told |= news
        if placed:
            self._tell(news)
            self._on_change()

    def learn(self) -> None:
        """Looks every name up once and musters: for commands that end."""
        with ThreadPoolExecutor(WORKERS, "lookup") as workers:
            list(workers.map(self.names.learn, self.names.addresses()))
        self.muster()

    def _changed(self) -> None:
        self.muster()
        self._on_change()


def _names(specs: Sequence[ServiceSpec]) -> set[str]:
    return {host.address for spec in specs for host in spec.hosts if parse(host.address) is None}
