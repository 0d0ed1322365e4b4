"""Ports for the tests' servers: each is given to one server of one process."""

from __future__ import annotations

import contextlib
import random
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

_LOWEST_PORT = 15000
"""Above the ports that programs listen on by custom."""
_SHARES = 50
"""So many processes may ask for ports at the same time. A share has the ports with one remainder by this number."""


class FreePorts:
    """One process' share of the ports.

    A server listens later than its port was chosen, so that a port that nobody uses may have been given to another
    one. Hence no port is given twice before each other one of the share, and no two processes have the same share.
    """

    def __init__(self, ports: Sequence[int] = ()) -> None:
        """Without ``ports``: the share of this process, claimed when the first port is asked for."""
        self._ports = list(ports)
        self._lock = threading.Lock()

    def take(self, address: str = "127.0.0.1", *, beside: int = 0) -> int:
        """A TCP port that nobody uses now, and that the kernel gives to no connection, so that a restart finds it free.

        So is the port that is ``beside`` more, a multiple of 50.
        """
        with self._lock:
            if not self._ports:
                self._ports.extend(_share())
            for port in self._ports:
                both = sorted({port, port + beside})
                if set(both) <= set(self._ports) and _free(address, both):
                    for one in both:
                        self._ports.remove(one)
                    self._ports.extend(both)
                    return port
        raise RuntimeError(f"no free port at {address}")


def _free(address: str, ports: list[int]) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), contextlib.ExitStack() as undo:
        for port in ports:
            undo.enter_context(socket.create_server((address, port), family=family))
        return True
    return False


def _share() -> list[int]:
    share = list(range(_LOWEST_PORT + _claimed(), ephemeral_from(), _SHARES))
    random.shuffle(share)
    return share


_claims: list[socket.socket] = []
"""A claim ends with the process, however that ends."""


def _claimed() -> int:
    """The number of a share that no other process has: an abstract name has one owner, and leaves no file (unix(7))."""
    if not sys.platform.startswith("linux"):
        return random.randrange(_SHARES)
    for number in range(_SHARES):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0mooring-tests-ports-{number}")
        except OSError:
            claim.close()
        else:
            _claims.append(claim)
            return number
    raise RuntimeError(f"{_SHARES} processes have ports for tests already")


def ephemeral_from() -> int:
    """The lowest port that the kernel gives to connections (ip(7), "ip_local_port_range")."""
    known = Path("/proc/sys/net/ipv4/ip_local_port_range")
    return max(int(known.read_text().split()[0]) if known.exists() else 32768, _LOWEST_PORT + 100 * _SHARES)


free_port = FreePorts().take
