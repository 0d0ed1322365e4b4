"""TCP listeners on loopback, for tests of what does not depend on a database."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lab.free_ports import free_port


@contextmanager
def listening() -> Iterator[int]:
    """A port that takes connections (into its backlog) until the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as door:
        yield int(door.getsockname()[1])


@contextmanager
def ports(count: int) -> Iterator[list[int]]:
    with ExitStack() as doors:
        yield [doors.enter_context(listening()) for _ in range(count)]


def closed_port() -> int:
    """A port that nobody listens on, and that the kernel gives to no connection: one that meets itself is answered."""
    return free_port()
