"""A Redis on strings: it answers, stands still, hangs up and comes back when the test says so.

A fake, because no real server does these things at a given moment. It knows PING, RESET, AUTH and EXISTS
only, and refuses HELLO.
"""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import threading
import time
from collections.abc import Iterator

from lab.free_ports import free_port

LIMIT = 30.0
"""Seconds after which everything in it gives up by itself."""
PONG = b"+PONG\r\n"
_LOGIN_WORDS = 2
"""A login knocks by PING or RESET, and says PING in the library's form; what comes after that are held questions."""
_KNOCKS = (b"PING", b"RESET")
_HELLO = b"HELLO"
_WORDS = (*_KNOCKS, b"EXISTS", b"AUTH")


class Puppet:
    """``awake`` cleared: it stands still, connections are made by the kernel alone, and all is answered later.

    ``welcome`` answers the knock, ``pong`` each held PING, ``exists`` and ``auth`` these commands; all may be
    replaced at any time.
    ``turns_away``: connections are closed without a word.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.awake = threading.Event()
        self.awake.set()
        self.welcome, self.pong, self.exists = PONG, PONG, b":0\r\n"
        self.auth = b"+OK\r\n"
        self.turns_away = False
        self.connections = self.logins = self.questions = 0
        self.answered: list[tuple[float, float]] = []
        """When each command came, and when the answer to it was sent; what was said unasked is among them."""
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._muted: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._door = socket.create_server((address, free_port(address)), backlog=1024)
        self.port: int = self._door.getsockname()[1]
        self._spawn(self._accept, self._door)

    @property
    def sessions(self) -> int:
        """Connections that stand now."""
        with self._lock:
            return len(self._open)

    def shut(self) -> None:
        """From now on connections are refused; those that stand stay."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def reopen(self) -> None:
        self._door = socket.create_server((self.address, self.port), backlog=1024)
        self._spawn(self._accept, self._door)

    def die(self) -> None:
        """As a killed process: nobody listens, every connection ends."""
        self.shut()
        self.hang_up()

    def hang_up(self, *, reset: bool = False) -> None:
        """Ends every connection, by FIN or by RST."""
        with self._lock:
            sockets = list(self._open)
        for sock in sockets:
            with contextlib.suppress(OSError):
                if reset:  # by the thread that reads: nothing is sent as long as it does
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)

    def mute(self) -> None:
        """From now on the connections that stand get no answer; new ones do."""
        with self._lock:
            self._muted |= self._open

    def say(self, data: bytes) -> None:
        """To every connection, unasked."""
        self.answered.append((math.inf, time.monotonic()))
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.send(data)

    def stop(self) -> None:
        self._stopped = True
        self.awake.set()
        self.die()
        for thread in self._threads:
            thread.join(LIMIT)

    def _spawn(self, job: object, *arguments: object) -> None:
        thread = threading.Thread(target=job, args=arguments, daemon=True)  # type: ignore[arg-type]  # two methods
        self._threads.append(thread)
        thread.start()

    def _accept(self, door: socket.socket) -> None:
        while True:
            try:
                sock, _ = door.accept()
            except OSError:
                return
            self.connections += 1
            if self.turns_away:
                sock.close()
                continue
            with self._lock:
                self._open.add(sock)
            self._spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        said, asked = 0, b""
        with contextlib.suppress(OSError):
            sock.settimeout(LIMIT)
            while data := sock.recv(65536):
                came = time.monotonic()
                self.awake.wait(LIMIT)
                words = [word for word in (asked + data).split(b"\r\n")[:-1] if word in (*_WORDS, _HELLO)]
                asked = (asked + data).rpartition(b"\r\n")[2]
                for word in [] if sock in self._muted else words:
                    if word != _HELLO:
                        self.answered.append((came, time.monotonic()))
                    sock.sendall(self._reply(word, said))
                    said += word in _KNOCKS
        self._forget(sock)

    def _reply(self, word: bytes, number: int) -> bytes:
        if word == _HELLO:
            return b"-ERR unknown command\r\n"
        if word not in _KNOCKS:
            return self.exists if word == b"EXISTS" else self.auth
        self.logins += number == _LOGIN_WORDS - 1
        self.questions += number >= _LOGIN_WORDS
        return (self.welcome, PONG, self.pong)[min(number, _LOGIN_WORDS)]

    def _forget(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.discard(sock)
        sock.close()


@contextlib.contextmanager
def puppet(address: str = "127.0.0.1") -> Iterator[Puppet]:
    server = Puppet(address)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def puppets(count: int, address: str = "127.0.0.{}") -> Iterator[list[Puppet]]:
    """So many, each on an address of its own."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(puppet(address.format(number + 1))) for number in range(count)]
