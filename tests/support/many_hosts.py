"""Very many hosts in one process, some of which never answer, and the moments at which each was asked.

A fake, because no real server writes down when a probe arrives: those that answer know of Redis only PING, and refuse
HELLO. It runs as a process of its own (``python -P many_hosts.py ANSWERING SILENT DEAF``), so that it does not measure
the test.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

ADDRESS = "127.0.0.1"
_BACKLOG = 128
_LOGIN_WORDS = 3
"""A login over a fresh connection says PING twice, and HELLO; what comes after are questions of a held session."""


@dataclass
class Server:
    """``answering`` say PONG, ``silent`` accept and say nothing, ``deaf`` do not even accept."""

    answering: int
    silent: int
    deaf: int
    asked: dict[int, list[float]] = field(default_factory=dict)
    held: list[socket.socket] = field(default_factory=list)

    def open(self) -> dict[str, list[int]]:
        """The ports of each kind."""
        self.sockets = selectors.DefaultSelector()
        return {
            "answering": [self._door(answers=True) for _ in range(self.answering)],
            "silent": [self._door(answers=False) for _ in range(self.silent)],
            "deaf": [self._deaf() for _ in range(self.deaf)],
        }

    def _door(self, *, answers: bool) -> int:
        door = socket.create_server((ADDRESS, 0), backlog=_BACKLOG)
        port: int = door.getsockname()[1]
        self.asked[port] = []
        self.sockets.register(door, selectors.EVENT_READ, (port, answers, None))
        return port

    def _deaf(self) -> int:
        """The queue of a listener that never accepts is filled: the kernel drops whoever else knocks."""
        door = socket.create_server((ADDRESS, 0), backlog=0)
        self.held.append(door)
        with contextlib.suppress(TimeoutError):
            while True:
                self.held.append(socket.create_connection(door.getsockname(), timeout=0.02))
        return int(door.getsockname()[1])

    def serve(self) -> None:
        """Until standard input ends."""
        self.sockets.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in self.sockets.select():
                if key.fileobj is sys.stdin:
                    return
                if isinstance(key.fileobj, socket.socket):
                    self._turn(key.fileobj, key.data)

    def _turn(self, sock: socket.socket, data: Any) -> None:
        port, answers, words = data
        if words is None:
            self.sockets.register(sock.accept()[0], selectors.EVENT_READ, (port, answers, 0))
            return
        with contextlib.suppress(OSError):
            if said := sock.recv(4096):
                if words >= _LOGIN_WORDS:
                    self.asked[port].append(time.monotonic())
                pings, hellos = said.count(b"PING"), said.count(b"HELLO")
                self.sockets.modify(sock, selectors.EVENT_READ, (port, answers, words + pings + hellos))
                sock.sendall((b"+PONG\r\n" * pings + b"-ERR unknown command\r\n" * hellos) * answers)
                return
        self.sockets.unregister(sock)
        sock.close()


class Crowd:
    """``with Crowd(answering=100, silent=60, deaf=40) as crowd``: ``crowd.ports`` of each kind; all on ``ADDRESS``."""

    def __init__(self, **counts: int) -> None:
        self._counts = counts
        self.ports: MappingProxyType[str, list[int]] = MappingProxyType({})

    def __enter__(self) -> Self:
        numbers = [str(self._counts.get(kind, 0)) for kind in ("answering", "silent", "deaf")]
        command = [sys.executable, "-P", __file__, *numbers]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._process.stdout is None or not (line := self._process.stdout.readline()):
            raise RuntimeError("the crowd did not start")
        self.ports = MappingProxyType(json.loads(line))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def asked(self) -> dict[int, list[float]]:
        """When each port that accepts was asked over a held session, in monotonic seconds; this ends the crowd."""
        told, _ = self._process.communicate()
        return {int(port): times for port, times in json.loads(told).items()}


def main() -> None:
    answering, silent, deaf = map(int, sys.argv[1:])
    server = Server(answering, silent, deaf)
    sys.stdout.write(json.dumps(server.open()) + "\n")
    sys.stdout.flush()
    server.serve()
    sys.stdout.write(json.dumps(server.asked))


if __name__ == "__main__":
    main()
