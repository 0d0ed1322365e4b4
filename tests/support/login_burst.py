"""Many hosts in one process, and how many logins are under way there at a time.

A fake, because no real server shows that: it knows only PING and HELLO of Redis. The first words on a
connection are answered at once, the HELLO that ends a login after ``seconds``; what follows are questions. It is a
process of its own (``python -P login_burst.py SECONDS RESETS ADDRESS...``), so that it does not measure the test.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import re
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

LIMIT = 30
_LOGIN_WORDS = 3
_COMMANDS = re.compile(rb"PING|HELLO")
_RESET = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Client:
    """One connection, and how many commands it has said."""

    sock: socket.socket
    words: int = 0


@dataclass
class Server:
    """``resets``: every session is reset as soon as it is logged in."""

    seconds: float
    resets: bool
    port: int = 0
    busy: int = 0
    most: int = 0
    logins: int = 0
    clients: set[Client] = field(default_factory=set)
    pending: list[tuple[float, int, Client]] = field(default_factory=list)

    def open(self, addresses: Sequence[str]) -> int:
        self.sockets = selectors.DefaultSelector()
        for address in addresses:
            door = socket.create_server((address, self.port), backlog=128)
            door.setblocking(False)
            self.port = door.getsockname()[1]
            self.sockets.register(door, selectors.EVENT_READ)
        return self.port

    def serve(self) -> None:
        """Until standard input ends; each line there is a command, and has a line of numbers as its answer."""
        self.sockets.register(sys.stdin, selectors.EVENT_READ)
        while True:
            wait = max(0.0, self.pending[0][0] - time.monotonic()) if self.pending else None
            for key, _ in self.sockets.select(wait):
                if key.fd == sys.stdin.fileno():
                    if not (word := sys.stdin.readline()):
                        return
                    self._obey(word.strip())
                elif isinstance(key.fileobj, socket.socket):
                    self._turn(key.fileobj, key.data)
            self._finish()

    def _obey(self, word: str) -> None:
        if word == "reset":
            for client in list(self.clients):
                self._leave(client, reset=True)
        told = {"held": len(self.clients), "most": self.most, "logins": self.logins}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    def _turn(self, sock: socket.socket, client: Any) -> None:
        if client is None:
            with contextlib.suppress(BlockingIOError):
                client = Client(sock.accept()[0])
                self.clients.add(client)
                self.sockets.register(client.sock, selectors.EVENT_READ, client)
            return
        try:
            said = len(_COMMANDS.findall(sock.recv(4096)))
        except OSError:
            said = 0
        if said:
            self._answer(client, said)
        else:
            self._leave(client)

    def _answer(self, client: Client, said: int) -> None:
        for _ in range(said):
            client.words += 1
            if client.words == _LOGIN_WORDS:
                self.busy += 1
                self.most = max(self.most, self.busy)
                heapq.heappush(self.pending, (time.monotonic() + self.seconds, id(client), client))
            else:
                self._say(client)

    def _finish(self) -> None:
        while self.pending and self.pending[0][0] <= time.monotonic():
            client = heapq.heappop(self.pending)[2]
            self.busy -= 1
            self.logins += 1
            self._say(client)
            if self.resets:
                self._leave(client, reset=True)

    def _say(self, client: Client) -> None:
        if client in self.clients:
            with contextlib.suppress(OSError):
                client.sock.sendall(b"-ERR unknown command\r\n" if client.words == _LOGIN_WORDS else b"+PONG\r\n")

    def _leave(self, client: Client, *, reset: bool = False) -> None:
        if client not in self.clients:
            return
        self.clients.remove(client)
        self.sockets.unregister(client.sock)
        if reset:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.sock.close()


class Rush:
    """``with Rush(addresses, seconds=0.05) as rush``: all listen at ``rush.port``."""

    def __init__(self, addresses: Sequence[str], *, seconds: float = 0.0, resets: bool = False) -> None:
        self._command = [sys.executable, "-P", __file__, str(seconds), str(int(resets)), *addresses]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True)
        self.port: int = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def look(self) -> dict[str, int]:
        """``held`` connections now; ``most`` logins at a time, and ``logins`` in all, until now."""
        return self._ask("look")

    def reset(self) -> dict[str, int]:
        """Ends every connection by RST; then as ``look``."""
        return self._ask("reset")

    def _ask(self, word: str) -> dict[str, int]:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        told: dict[str, int] = self._read()
        return told

    def _read(self) -> Any:
        assert self._process.stdout
        if not (line := self._process.stdout.readline()):
            raise RuntimeError("the rush has ended")
        return json.loads(line)


def main() -> None:
    seconds, resets, *addresses = sys.argv[1:]
    server = Server(float(seconds), resets == "1")
    sys.stdout.write(f"{server.open(addresses)}\n")
    sys.stdout.flush()
    server.serve()


if __name__ == "__main__":
    main()
