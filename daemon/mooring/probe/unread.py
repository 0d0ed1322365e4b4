"""Which sockets may hold bytes that nobody has read: one look for a whole slot, in place of one for each question."""

from __future__ import annotations

import select
import socket
from contextlib import suppress


class UnreadSockets:
    """For one thread. Knows too many at most, never too few: bytes that came before ``look`` are noted."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._noted: set[int] = set()

    def watch(self, sock: socket.socket) -> None:
        """Bytes that are there already are noted at the next look as well."""
        number = sock.fileno()
        self._epoll.register(number, select.EPOLLIN | select.EPOLLET)
        self._watched.add(number)

    def forget(self, sock: socket.socket) -> None:
        """To be called before the socket is closed."""
        number = sock.fileno()
        if number in self._watched:
            self._watched.discard(number)
            self._noted.discard(number)
            with suppress(OSError):
                self._epoll.unregister(number)

    def look(self) -> None:
        """Notes the sockets to which bytes have come since the last look, and are unread now. Does not wait."""
        if self._watched:
            self._noted.update(number for number, _ in self._epoll.poll(0, len(self._watched)))

    def may_have(self, sock: socket.socket) -> bool:
        """Whether a look has noted the socket. Forgets that: the caller looks into it now."""
        number = sock.fileno()
        if number not in self._noted:
            return False
        self._noted.discard(number)
        return True
