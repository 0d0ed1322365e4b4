"""The network of a simulated world: links between machines, connections over them, and the sockets at their ends.

A link may be cut in one direction. What is sent over a cut link is sent again after 0.2, 0.4, 0.8 … s (RFC 6298), until
it gets through or the sender's TCP_USER_TIMEOUT ends the connection.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from simulation.kernel import Kernel

if TYPE_CHECKING:
    from simulation.sockets import Socket

FIRST_NUMBER = 100_000
RETRANSMIT_SECONDS = 0.2


class Network:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.delays: dict[tuple[str, str], float] = {}
        """Seconds by which a link is slower than usual."""
        self.without_route: set[str] = set()
        """Machines whose kernel knows no way to anybody."""
        self._cuts: dict[tuple[str, str], int] = {}
        self.servers: dict[tuple[str, int], Server] = {}
        self.files: dict[int, Any] = {}
        self._next = FIRST_NUMBER

    def number(self, held: Any) -> int:
        self._next += 1
        self.files[self._next] = held
        return self._next

    def cut(self, source: str, target: str) -> None:
        self._cuts[source, target] = self._cuts.get((source, target), 0) + 1

    def heal(self, source: str, target: str) -> None:
        self._cuts[source, target] -= 1

    def is_cut(self, source: str, target: str) -> bool:
        return self._cuts.get((source, target), 0) > 0

    def latency(self, source: str, target: str) -> float:
        return self.kernel.chance.uniform(0.0002, 0.001) + self.delays.get((source, target), 0.0)

    def carry(self, source: str, target: str, action: Callable[[], None], alive: Callable[[], bool]) -> None:
        """Does ``action`` at the other side once the packet has come there; sent again while the link is cut."""
        self._carry(source, target, action, alive, RETRANSMIT_SECONDS)

    def _carry(
        self, source: str, target: str, action: Callable[[], None], alive: Callable[[], bool], again: float
    ) -> None:
        if not alive():
            return
        if self.is_cut(source, target):
            later = self.kernel.now + again
            self.kernel.at(later, lambda: self._carry(source, target, action, alive, 2 * again))
        else:
            self.kernel.at(self.kernel.now + self.latency(source, target), action)


class Server(Protocol):
    """What listens at an address and port."""

    place: str
    """The name of its machine in the network."""

    def accept(self, connection: Connection) -> bool | None:
        """False: refuses; None: its machine is silent."""

    def receive(self, connection: Connection, data: bytes) -> None: ...

    def answers_keepalives(self) -> bool: ...


class Connection:
    """One connection between a daemon's socket and a server."""

    def __init__(self, network: Network, client: Socket, server: Server) -> None:
        self.network, self.client, self.server = network, client, server
        self.place = client.process.machine.name
        self.open = True
        """As the server sees it."""
        self.notes: dict[str, Any] = {}
        self._queue_to_client: list[Callable[[], None]] = []
        self._busy = False

    def to_server(self, data: bytes) -> None:
        self._towards_server(lambda: self.server.receive(self, data) if self.open else None)

    def end_by_client(self) -> None:
        def ended() -> None:
            self.open = False

        self._towards_server(ended)

    def _towards_server(self, action: Callable[[], None]) -> None:
        network = self.network
        started = network.kernel.now

        def arrived() -> None:
            self.client.unacknowledged = None
            action()

        def alive() -> bool:
            if network.kernel.now - started > self.client.patience:
                self.client.fail(errno.ETIMEDOUT)
                return False
            return True

        network.carry(self.place, self.server.place, arrived, alive)

    def to_client(self, data: bytes) -> None:
        self._towards_client(lambda: self.client.arrive(data))

    def close_by_server(self, error: int = 0) -> None:
        """A FIN, or with ECONNRESET an RST."""
        self.open = False
        self._towards_client(lambda: self.client.fail(error) if error else self.client.end())

    def _towards_client(self, action: Callable[[], None]) -> None:
        """In the order of sending."""
        self._queue_to_client.append(action)
        if not self._busy:
            self._send_next()

    def _send_next(self) -> None:
        self._busy = bool(self._queue_to_client)
        if not self._busy:
            return
        action = self._queue_to_client.pop(0)

        def arrived() -> None:
            action()
            self._send_next()

        self.network.carry(self.server.place, self.place, arrived, lambda: not self.client.closed)
