"""A slow cable: frames between two interfaces of one namespace are handed on late, both ways.

In user space, because not every kernel has the queueing discipline (netem) that does it.
"""

from __future__ import annotations

import collections
import select
import socket
import threading
import time
from typing import Self

_ALL = 0x0003  # ETH_P_ALL
_SOL_PACKET = 263
_PACKET_VNET_HDR = 15  # each frame with its offload state (packet(7)): checksums may not be computed yet
_PACKET_IGNORE_OUTGOING = 23
_MOST = 1 << 17


class Cable:
    """``with Cable("one", "other", seconds)``: what comes in at one leaves at the other so much later.

    The interfaces are those of the namespace that the thread is in which makes it.
    """

    def __init__(self, one: str, other: str, seconds: float) -> None:
        self._seconds = seconds
        self._ends = [self._open(interface) for interface in (one, other)]
        self._late: collections.deque[tuple[float, socket.socket, bytes]] = collections.deque()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cable", daemon=True)

    @staticmethod
    def _open(interface: str) -> socket.socket:
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        end.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        end.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        end.bind((interface, _ALL))
        end.setblocking(False)
        return end

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        for end in self._ends:
            end.close()

    def _run(self) -> None:
        one, other = self._ends
        while not self._ending.is_set():
            wait = max(0.0, self._late[0][0] - time.monotonic()) if self._late else 0.05
            readable, _, _ = select.select(self._ends, [], [], wait)
            for end in readable:
                self._late.append((time.monotonic() + self._seconds, other if end is one else one, end.recv(_MOST)))
            self._hand_on()

    def _hand_on(self) -> None:
        while self._late and self._late[0][0] <= time.monotonic():
            _, end, frame = self._late.popleft()
            try:
                end.send(frame)
            except OSError:
                continue  # a cable may lose a frame; its owners send it again
