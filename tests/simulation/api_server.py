"""The API server of a simulated world, as a daemon's client reaches it: over a network, with faults of its own."""

from __future__ import annotations

import json
import urllib.parse
from collections import deque
from collections.abc import Callable, Mapping
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any, Protocol

import urllib3

from mooring.cluster import transport
from simulation.api_store import Answer, Call, Change, Refused, Store, status
from simulation.kernel import EPOCH, Kernel, Machine
from simulation.locks import Event, World
from simulation.network import Network

PLACE = "api"
OK, TOO_MANY = 200, 429


class Listener(Protocol):
    """Who is told what daemons ask, and what is stored."""

    def call(self, by: str, method: str, path: str, body: Any) -> None: ...

    def change(self, change: Change) -> None: ...

    def wrote_nothing(self, by: str, path: str) -> None: ...


class ApiServer:
    """``troubles`` are set by the world; each request draws what happens to it."""

    def __init__(
        self,
        kernel: Kernel,
        network: Network,
        listener: Listener,
    ) -> None:
        self.kernel, self.network, self.listener = kernel, network, listener
        self.sent_at = 0.0
        """When the call that is being served was sent."""
        self.store = Store(lambda: formatdate(EPOCH + kernel.now), self._changed)
        self.watches: list[Watch] = []
        self.troubles: dict[str, float] = {}
        """How often a request meets each trouble: 409, 429, 500, lost-reply, hang, slow; in parts of 1."""
        self.frozen = False
        self._waiting: list[Callable[[], None]] = []
        self._line: tuple[Change | None, bytes] = (None, b"")

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        self.frozen = False
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()

    def when_awake(self, action: Callable[[], None]) -> None:
        if self.frozen:
            self._waiting.append(action)
        else:
            action()

    def draw(self, trouble: str) -> bool:
        chance = self.troubles.get(trouble, 0.0)
        return chance > 0 and self.kernel.chance.random() < chance

    def edit(self, method: str, path: str, body: Any, by: str) -> Answer:
        """Somebody else's call, at once."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        return self.store.handle(Call(method, path, {"fieldManager": by}, body, kind, by))

    def drop_watches(self) -> None:
        for watch in list(self.watches):
            watch.drop()

    def forget_history(self) -> None:
        """As etcd's compaction: the next watch from an old version gets 410."""
        self.store.compacted = self.store.version
        self.drop_watches()

    def event_line(self, change: Change) -> bytes:
        """What a watch sends of the change; several watches send the same."""
        if self._line[0] is not change:
            found = json.dumps({"type": change.type, "object": change.stored}).encode() + b"\n"
            self._line = change, found
        return self._line[1]

    def _changed(self, change: Change) -> None:
        for watch in self.watches:
            if watch.collection == change.collection and (not watch.wanted or watch.wanted == change.name):
                watch.push(change)
        self.listener.change(change)


class Line:
    """One call of a daemon under way; its deadline may cut it."""

    def __init__(self) -> None:
        self.arrived = Event()
        self.pieces: deque[bytes] = deque()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.done = False
        self.cut = False

    def setsockopt(self, *_: Any) -> None: ...

    def shutdown(self) -> None:
        self.cut = True
        self.arrived.set()

    def give(self, piece: bytes, *, last: bool) -> None:
        if not self.cut:
            self.pieces.append(piece)
            self.done = last
            self.arrived.set()


class Response:
    """What urllib3 returns, of what ``cluster`` uses."""

    def __init__(self, line: Line, on_close: Callable[[], None]) -> None:
        self._line, self._on_close = line, on_close
        self.status = line.status
        self.headers: Mapping[str, str] = line.headers

    def read1(self, _size: int = -1) -> bytes:
        line = self._line
        while not line.pieces:
            if line.cut:
                raise urllib3.exceptions.ProtocolError("the connection is gone")
            if line.done:
                return b""
            line.arrived.clear()
            line.arrived.wait()
        return line.pieces.popleft()

    def close(self) -> None:
        self._on_close()


class Watch:
    """An open watch of a daemon."""

    def __init__(self, server: ApiServer, line: Line, machine: Machine, collection: str, wanted: str) -> None:
        self.server, self.line, self.machine = server, line, machine
        self.collection, self.wanted = collection, wanted
        self._queue: deque[Change] = deque()
        self._busy = True
        """An event is on its way, or the stream has not begun."""
        self.open = True
        server.watches.append(self)

    def push(self, change: Change) -> None:
        self._queue.append(change)
        if not self._busy:
            self.forward()

    def forward(self) -> None:
        self._busy = bool(self._queue) and self.open
        if not self._busy:
            return
        change = self._queue.popleft()
        server = self.server
        late = server.kernel.chance.uniform(0.0, 3.0) if server.draw("late-event") else 0.0

        def arrived() -> None:
            line = server.event_line(change)
            for _ in range(2 if server.draw("doubled-event") else 1):
                self.line.give(line, last=False)
            self.forward()

        def send() -> None:
            server.network.carry(PLACE, self.machine.name, arrived, lambda: self.open)

        server.kernel.at(server.kernel.now + late, lambda: server.when_awake(send))

    def drop(self) -> None:
        self.close()
        self.server.network.carry(PLACE, self.machine.name, self.line.shutdown, lambda: True)

    def close(self) -> None:
        self.open = False
        if self in self.server.watches:
            self.server.watches.remove(self)


class Client:
    """Stands for ``kubernetes.client.ApiClient``, of which Mooring's client uses these parts."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self.rest_client = self.pool_manager = self
        self.configuration = SimpleNamespace(host="https://simulated")

    def param_serialize(
        self,
        method: str,
        path: str,
        _params: Any,
        query: list[tuple[str, str]],
        headers: dict[str, str],
        *_: Any,
        **__: Any,
    ) -> tuple[str, str, dict[str, str], None, None]:
        encoded = urllib.parse.urlencode(query)
        return method, f"{path}?{encoded}", headers, None, None

    def request(self, method: str, url: str, *, body: str | None, headers: Mapping[str, str], **_: Any) -> Response:
        server, machine, process = self._server, World.kernel.machine, World.kernel.process
        call = transport._sending.call
        path, encoded = url.split("?")
        query: dict[str, str] = dict(urllib.parse.parse_qsl(encoded))
        content = json.loads(body) if body else None
        asked = Call(method, path, query, content, headers.get("Content-Type", ""), process.name)
        line, watch, sent_at = Line(), None, server.kernel.now
        call.check()
        call.attach(line)

        def arrive() -> None:
            nonlocal watch
            watch = _serve(server, machine, line, asked, sent_at)

        def alive() -> bool:
            return not (line.cut or process.dead)

        server.network.carry(machine.name, PLACE, lambda: server.when_awake(arrive), alive)
        line.arrived.wait()
        if line.cut or not line.status:
            raise urllib3.exceptions.ProtocolError("the connection is gone")
        return Response(line, lambda: watch.close() if watch else None)


def _serve(server: ApiServer, machine: Machine, line: Line, asked: Call, sent_at: float) -> Watch | None:
    """In the server, once the request is there."""
    if server.draw("hang"):
        return None
    if asked.query.get("watch"):
        return _serve_watch(server, machine, line, asked)
    for code in (429, 500, 503):
        if server.draw(str(code)):
            retry = {"Retry-After": "1"} if code == TOO_MANY else {}
            _reply(server, machine, line, status(code, "drawn by the world"), retry)
            return None
    server.listener.call(asked.by, asked.method, asked.path, asked.body)
    version, server.sent_at = server.store.version, sent_at
    answer = server.store.handle(asked)
    if asked.method == "PATCH" and answer.status == OK and server.store.version == version:
        server.listener.wrote_nothing(asked.by, asked.path)
    if server.draw("lost-reply") and asked.method != "GET":
        line.shutdown()
        return None
    _reply(server, machine, line, answer, {})
    return None


def _reply(server: ApiServer, machine: Machine, line: Line, answer: Answer, headers: Mapping[str, str]) -> None:
    content = json.dumps(answer.body).encode()
    date = formatdate(EPOCH + server.kernel.now, usegmt=True)
    slow = server.kernel.chance.uniform(0.0, 4.0) if server.draw("slow") else 0.0

    def arrived() -> None:
        line.status, line.headers = answer.status, {"Date": date, **headers}
        line.give(content, last=True)

    def send() -> None:
        server.network.carry(PLACE, machine.name, arrived, lambda: not line.cut)

    server.kernel.at(server.kernel.now + slow, send)


def _serve_watch(server: ApiServer, machine: Machine, line: Line, asked: Call) -> Watch | None:
    try:
        missed = server.store.since(asked.path, int(asked.query["resourceVersion"]), asked.query)
    except Refused as refused:
        _reply(server, machine, line, status(refused.code, str(refused)), {})
        return None
    watch = Watch(
        server, line, machine, asked.path, asked.query.get("fieldSelector", "").removeprefix("metadata.name=")
    )
    for change in missed:
        watch.push(change)
    date = formatdate(EPOCH + server.kernel.now, usegmt=True)

    def opened() -> None:
        line.status, line.headers = 200, {"Date": date}
        line.arrived.set()
        watch.forward()

    def ended() -> None:
        if watch.open:
            watch.close()
            line.give(b"", last=True)

    server.network.carry(PLACE, machine.name, opened, lambda: not line.cut)
    seconds = float(asked.query["timeoutSeconds"])
    server.kernel.at(
        server.kernel.now + seconds,
        lambda: server.network.carry(PLACE, machine.name, ended, lambda: watch.open and not line.cut),
    )
    return watch
