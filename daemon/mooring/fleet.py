"""The hosts of a file as they are now: names looked up, members on the board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from mooring.board import Board
from mooring.decide.addresses import Network, parse
from mooring.decide.names import members
from mooring.events import AddressLeftOut, Event
from mooring.model import ServiceSpec
from mooring.resolve import LIFETIME_SECONDS, WORKERS, Names

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
        names = {host.address for spec in specs for host in spec.hosts if parse(host.address) is None}
        self.names = Names(names, self._changed)

    def muster(self) -> None:
        """The members as the names hold them now; an address that must be left out is told once."""
        held = self.names.addresses()
        told: list[AddressLeftOut] = []
        for spec in self._specs:
            found = members(spec, held, self._allowed)
            self._board.set_members(spec, found)
            told += found.left_out
        for left_out in sorted(set(told) - self._told, key=str):
            self._emit(left_out)
        self._told = frozenset(told)

    def begin(self) -> None:
        """Musters with what the names hold, if that is known within a lookup's lifetime; otherwise without."""
        if self.names:
            self.names.refresh()
            self.names.looked.wait(LIFETIME_SECONDS)
        self.muster()

    def learn(self) -> None:
        """Looks every name up once and musters: for commands that end."""
        with ThreadPoolExecutor(WORKERS, "lookup") as workers:
            list(workers.map(self.names.learn, self.names.addresses()))
        self.muster()

    def _changed(self) -> None:
        self.muster()
        self._on_change()
