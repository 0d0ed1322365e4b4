"""The machinery of scripted servers: a listener on loopback, a thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mooring.model.reasons import Reason

LIMIT = 30.0
"""Seconds after which a script gives up by itself, should nobody stop it."""


class Peer:
    """One accepted connection, as a script sees it; every call ends when the prober or the test hangs up."""

    def __init__(self, sock: socket.socket, server: Rogue) -> None:
        self.socket = sock
        self._server = server
        sock.settimeout(LIMIT)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> bytes:
        """What the prober sends next; raises ConnectionError when it hangs up."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("the prober hung up")
        self._server.heard(data)
        return data

    def receive_packet(self) -> bytes:
        """The payload of the prober's next MySQL packet."""
        header = self._exactly(4)
        return self._exactly(int.from_bytes(header[:3], "little"))

    def drip(self, data: bytes, every: float = 0.6) -> None:
        """One byte every ``every`` seconds."""
        for byte in data:
            self.send(bytes([byte]))
            self.pause(every)

    def flood(self, data: bytes) -> None:
        """The same bytes again and again, until the prober hangs up."""
        while True:
            self.send(data)

    def pause(self, seconds: float) -> None:
        if self._server.stopped.wait(seconds):
            raise ConnectionAbortedError("the test is over")

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Takes the server's part of a TLS handshake; everything after it is inside."""
        self._server.forget(self.socket)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._server.remember(self.socket)
        self.socket.do_handshake()

    def hold(self) -> None:
        """Reads and says nothing more, until the prober hangs up."""
        while True:
            self.receive()

    def reset(self) -> None:
        """Hangs up by RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise ConnectionResetError("the prober hung up")
            self._server.heard(piece)
            data += piece
        return data


Play = Callable[[Peer], None]


@dataclass(frozen=True)
class Script:
    """What the server does with a connection (None: the kernel does not even accept it), and what a probe must say.

    ``expected`` has a reason for each protocol that the script is meant for. ``tls``: to be asked with a tls block.
    """

    play: Play | None
    expected: Mapping[str, Reason]
    tls: bool = False


class Rogue:
    """A listening server; each connection plays the script in a thread of its own."""

    def __init__(self, script: Script | Play, address: str) -> None:
        self._play = script.play if isinstance(script, Script) else script
        self._listener = socket.create_server((address, 0), backlog=0 if self._play is None else 64)
        self.address = address
        self.port: int = self._listener.getsockname()[1]
        self.stopped = threading.Event()
        self.connections = 0
        self._received = bytearray()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def received(self) -> bytes:
        """Everything that probers sent so far, over all connections."""
        with self._lock:
            return bytes(self._received)

    def heard(self, data: bytes) -> None:
        with self._lock:
            self._received += data

    def remember(self, sock: socket.socket) -> None:
        """A socket to end with the server."""
        with self._lock:
            self._open.add(sock)

    def forget(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.discard(sock)

    def start(self) -> None:
        if self._play is None:
            self._fill_backlog()
        else:
            self._spawn(self._accept, self._play)

    def stop(self) -> None:
        self.stopped.set()
        with self._lock:
            sockets = [self._listener, *self._open]
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT)
        for sock in sockets:
            sock.close()

    def _spawn(self, job: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=job, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, play: Play) -> None:
        while not self.stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.remember(sock)
            self._spawn(self._serve, sock, play)

    def _serve(self, sock: socket.socket, play: Play) -> None:
        peer = Peer(sock, self)
        with contextlib.suppress(OSError):
            play(peer)
        self.forget(peer.socket)
        peer.socket.close()

    def _fill_backlog(self) -> None:
        # Linux lets one connection more into the queue than it is told; the next SYN is dropped.
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((self.address, self.port))
            self.remember(filler)


@contextlib.contextmanager
def rogue(script: Script | Play, address: str = "127.0.0.1") -> Iterator[Rogue]:
    """Runs one scripted server on a free port."""
    server = Rogue(script, address)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def says_and_hangs_up(data: bytes) -> Play:
    """Sends these bytes and no more; what the other side sends is not read."""

    def play(peer: Peer) -> None:
        peer.send(data)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.hold()

    return play
