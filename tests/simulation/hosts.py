"""Databases of a simulated world: what each really is, and what it answers."""

from __future__ import annotations

import errno
import socket as real_socket
from dataclasses import dataclass, field, replace
from typing import Any

from mooring.model.facts import Channel, Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import Answer, LoginResult, Session, Unfinished
from mooring.protocols.protocol import Client
from mooring.protocols.transport.secret import Secret
from mooring.protocols.transport.text import cleaned
from simulation.locks import World
from simulation.network import Connection, Network
from simulation.sockets import Socket

PASSWORD = "c0rrect-h0rse-battery"
"""Of Mooring's account at every database. Some servers echo it."""
GREETING, LOGIN, QUESTION, FAREWELL = b"P", b"L", b"Q", b"X"


@dataclass(frozen=True)
class State:
    """What a database is at a moment."""

    mode: str = "up"
    """up, refuses, off (its machine), hangs, resets, loading, locked-out (refuses our login)."""
    slow: float = 0.0
    """Seconds until it answers."""
    primary: bool = True
    lag: float | None = None

    @property
    def serves(self) -> bool:
        """What a person would say who looks at it: an application can work with it."""
        return self.mode in {"up", "locked-out"}


class Database:
    """A ``network.Server``."""

    def __init__(self, network: Network, name: str, address: str, port: int) -> None:
        self.network, self.name, self.address, self.port = network, name, address, port
        self.place = name
        self.state = State()
        self.connections: list[Connection] = []
        network.servers[address, port] = self

    def become(self, **what: Any) -> None:
        before, self.state = self.state, replace(self.state, **what)
        if self.state.mode == before.mode:
            return
        if self.state.mode in {"refuses", "resets", "locked-out"} or before.mode == "off":
            for connection in self._open():
                if before.mode != "off":
                    connection.close_by_server(errno.ECONNRESET if self.state.mode == "resets" else 0)
                connection.open = False
        elif before.mode == "hangs":
            for connection in self._open():
                waiting, connection.notes["waiting"] = connection.notes.get("waiting", []), []
                for data in waiting:
                    self.receive(connection, data)

    def _open(self) -> list[Connection]:
        self.connections = [one for one in self.connections if one.open]
        return self.connections

    def accept(self, connection: Connection) -> bool | None:
        mode = self.state.mode
        if mode == "off":
            return None
        if mode == "refuses":
            return False
        self._open().append(connection)
        if mode == "resets":
            self.network.kernel.at(self.network.kernel.now, lambda: connection.close_by_server(errno.ECONNRESET))
        return True

    def answers_keepalives(self) -> bool:
        return self.state.mode != "off"

    def receive(self, connection: Connection, data: bytes) -> None:
        mode = self.state.mode
        if mode == "off":
            return
        if mode == "hangs":
            connection.notes.setdefault("waiting", []).append(data)
            return
        for piece in data.split(b"\n")[:-1]:
            if piece == FAREWELL:
                connection.open = False
                return
            kernel = self.network.kernel
            kernel.at(kernel.now + self.state.slow, lambda said=piece: self._answer(connection, said))  # type: ignore[misc]

    def _answer(self, connection: Connection, asked: bytes) -> None:
        if not connection.open or self.state.mode in {"off", "refuses"}:
            return
        if self.state.mode == "hangs":
            connection.notes.setdefault("waiting", []).append(asked + b"\n")
            return
        if asked == GREETING:
            connection.to_client(b"+\n")
            return
        connection.to_client(b"%d\n" % _remember(self.says(asked)))
        if self.state.mode == "locked-out" and asked == LOGIN:
            connection.close_by_server()

    def says(self, asked: bytes) -> Observation:
        state = self.state
        if state.mode == "locked-out" and asked == LOGIN:
            return Observation(Reason.AUTH, f"access denied with {PASSWORD}")
        if state.mode == "loading":
            return Observation(Reason.LOADING, f"loading the data, {PASSWORD} must wait")
        channels = () if state.primary else (Channel("10.0.0.1:3306", lag=state.lag),)
        facts = Facts(identity=self.name, read_only="" if state.primary else "read_only=1", channels=channels)
        return Observation(Reason.OK, facts=facts)


@dataclass
class _Said:
    """What was ever answered in this process, by number: the bytes on the wire name it."""

    numbers: dict[str, int] = field(default_factory=dict)
    answers: list[Observation] = field(default_factory=list)


_said = _Said()


def _remember(seen: Observation) -> int:
    key = repr(seen)
    if key not in _said.numbers:
        _said.numbers[key] = len(_said.answers)
        _said.answers.append(seen)
    return _said.numbers[key]


class Question:
    """A ``HeldQuestion``."""

    request = QUESTION + b"\n"

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Answer | None:
        self._held += data
        line, end, rest = self._held.partition(b"\n")
        return Answer(_said.answers[int(line)], rest) if end else None


def login(target: Target, sock: real_socket.socket, started: float) -> LoginResult:
    """Logs in over a connected socket, in a thread of the pool, and asks."""
    line: Socket = sock  # type: ignore[assignment]
    deadline, secret = started + target.timeout, Secret(PASSWORD.encode())
    monotonic = World.kernel.machine.monotonic
    if line.recv(16) == b"+\n":
        line.send(LOGIN + b"\n")
    answer = b""
    while not answer.endswith(b"\n"):
        if not line.wait_readable(deadline):
            unfinished = Unfinished(sock, b"", secret, logged_in=False)
            seen = Observation(Reason.TIMEOUT, "no whole answer in time", latency=monotonic() - started)
            return LoginResult(seen, None, greeted=True, secret=secret, unfinished=unfinished)
        try:
            piece = line.recv(64)
        except OSError as error:
            line.close()
            seen = Observation(Reason.RESET, str(error), latency=monotonic() - started)
            return LoginResult(seen, None, greeted=True, secret=secret)
        if not piece:
            line.close()
            seen = Observation(Reason.RESET, "closed", latency=monotonic() - started)
            return LoginResult(seen, None, greeted=True, secret=secret)
        answer += piece
    said = cleaned(_said.answers[int(answer)], secret.value)
    seen = replace(said, latency=monotonic() - started)
    if seen.reason is Reason.AUTH:
        line.close()
        return LoginResult(seen, None, greeted=True, secret=secret)
    held = Session(sock, FAREWELL + b"\n", secret)
    return LoginResult(seen, held, greeted=True, secret=secret, logged_in=True)


def probe(target: Target) -> Observation:
    raise NotImplementedError("the daemon asks over the engine")


CLIENT = Client(probe=probe, login=login, exchange=lambda _options, _server: Question())
