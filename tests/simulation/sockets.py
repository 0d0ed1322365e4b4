"""The sockets, event descriptors and epoll of a simulated daemon."""

from __future__ import annotations

import errno
import os
import select
import socket
from typing import Any

from simulation.kernel import Process
from simulation.locks import World
from simulation.network import Connection, Network

DEFAULT_PATIENCE = 900.0
"""Seconds for which the kernel sends again where the program has set no limit."""


class Socket:
    """A non-blocking socket of a daemon."""

    def __init__(self, network: Network, process: Process) -> None:
        self.network, self.process = network, process
        self._number = network.number(self)
        self._connection: Connection | None = None
        self._connected = False
        self._unread = bytearray()
        self._ended = False
        self._error = 0
        self.closed = False
        self.patience = DEFAULT_PATIENCE
        self.idle: float | None = None
        self.unacknowledged: float | None = None
        self.pollers: list[Epoll] = []

    def connect(self, address: str, port: int) -> None:
        network = self.network
        server = network.servers.get((address, port))
        if server is None:
            return
        connection = Connection(network, self, server)
        place = self.process.machine.name

        def answer() -> None:
            accepted = server.accept(connection)
            if accepted is None:
                return
            done = (lambda: self._established(connection)) if accepted else (lambda: self.fail(errno.ECONNREFUSED))
            network.carry(server.place, place, done, lambda: not self.closed)

        network.carry(place, server.place, answer, lambda: not self.closed)

    def _established(self, connection: Connection) -> None:
        if not self.closed:
            self._connection, self._connected = connection, True
            self._changed()

    def arrive(self, data: bytes) -> None:
        if not self.closed:
            self._unread += data
            self._changed()

    def end(self) -> None:
        self._ended = True
        self._changed()

    def fail(self, error: int) -> None:
        if not self.closed and not self._error:
            self._error, self._ended, self._connected = error, True, False
            self._changed()

    def _changed(self) -> None:
        for poller in self.pollers:
            poller.poke()

    def events(self) -> int:
        """What epoll would report (epoll_ctl(2))."""
        found = 0
        if self._connected and not self._ended:
            found |= select.EPOLLOUT
        if self._error:
            found |= select.EPOLLERR | select.EPOLLHUP | select.EPOLLOUT | select.EPOLLIN | select.EPOLLRDHUP
        elif self._ended:
            found |= select.EPOLLRDHUP | select.EPOLLIN
        if self._unread:
            found |= select.EPOLLIN
        return found

    @property
    def unread(self) -> int:
        return len(self._unread)

    def fileno(self) -> int:
        return -1 if self.closed else self._number

    def getpeername(self) -> tuple[str, int]:
        if not self._connected:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return "peer", 1

    def getsockname(self) -> tuple[str, int]:
        return "own", self._number

    def getsockopt(self, level: int, option: int) -> int:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR)
        return self._error

    def setsockopt(self, level: int, option: int, value: int) -> None:
        if (level, option) == (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT):
            self.patience = value / 1000
            if self.idle is None:
                self.idle = self.patience
                self._keep_alive()

    def _keep_alive(self) -> None:
        """Looks whether the other side's kernel still answers, as keepalives do."""
        connection, kernel = self._connection, self.network.kernel
        if self.closed or self._error or connection is None:
            return
        here, there = connection.place, connection.server.place
        lost = self.network.is_cut(here, there) or self.network.is_cut(there, here)
        if lost or not connection.server.answers_keepalives():
            silent_since = self.unacknowledged if self.unacknowledged is not None else kernel.now
            self.unacknowledged = silent_since
            if kernel.now - silent_since >= self.patience:
                self.fail(errno.ETIMEDOUT)
                return
        elif not connection.open and not self._ended:
            self.fail(errno.ECONNRESET)  # its kernel does not know this connection any more
            return
        else:
            self.unacknowledged = None
        kernel.at(kernel.now + 0.5, self._keep_alive)

    def send(self, data: bytes) -> int:
        if self._error:
            raise OSError(self._error, os.strerror(self._error))
        if self._connection is None or (self._ended and not self._connection.open):
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        self._connection.to_server(bytes(data))
        return len(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        if self._unread:
            found = bytes(self._unread[:size])
            if not flags & socket.MSG_PEEK:
                del self._unread[:size]
            return found
        if self._error:
            raise OSError(self._error, os.strerror(self._error))
        if self._ended:
            return b""
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.network.files.pop(self._number, None)
            if self._connection is not None:
                self._connection.end_by_client()

    def wait_readable(self, deadline: float) -> bool:
        """For a login in a thread of its own; ``deadline`` in its machine's monotonic seconds."""
        poller = Epoll(self.network)
        poller.register(self._number, select.EPOLLIN | select.EPOLLRDHUP)
        try:
            return bool(poller.poll(max(0.0, deadline - self.process.machine.monotonic())))
        finally:
            poller.close()


class EventFd:
    def __init__(self) -> None:
        self.count = 0
        self.pollers: list[Epoll] = []

    def write(self, count: int) -> None:
        self.count += count
        for poller in self.pollers:
            poller.poke()

    def events(self) -> int:
        return select.EPOLLIN if self.count else 0


class Epoll:
    """``select.epoll``: level-triggered, but for event descriptors, which it resets itself."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._wanted: dict[int, int] = {}
        self._held: dict[int, Any] = {}
        self._waiter: tuple[Any, int] | None = None

    def register(self, number: int, events: int) -> None:
        held = self._network.files[number]
        self._wanted[number], self._held[number] = events, held
        held.pollers.append(self)
        self.poke()

    def modify(self, number: int, events: int) -> None:
        self._wanted[number] = events
        self.poke()

    def unregister(self, number: int) -> None:
        if number not in self._wanted:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        del self._wanted[number]
        self._held.pop(number).pollers.remove(self)

    def close(self) -> None:
        for number in list(self._wanted):
            self.unregister(number)

    def poke(self) -> None:
        if self._waiter is not None:
            World.kernel.wake(*self._waiter)

    def poll(self, timeout: float = -1, maxevents: int = -1) -> list[tuple[int, int]]:
        kernel = World.kernel
        deadline = None if timeout < 0 else kernel.machine.monotonic() + timeout
        while not (found := self._found()):
            if deadline is not None and kernel.machine.monotonic() >= deadline:
                break
            task = kernel.current
            assert task is not None
            self._waiter = (task, task.ticket + 1)
            kernel.park(deadline)
            self._waiter = None
        return found

    def _found(self) -> list[tuple[int, int]]:
        found = []
        for number, wanted in self._wanted.items():
            held = self._held[number]
            if isinstance(held, Socket) and held.closed:
                continue
            if happened := held.events() & (wanted | select.EPOLLERR | select.EPOLLHUP):
                found.append((number, happened))
                if isinstance(held, EventFd):
                    held.count = 0
        return found
