"""An API server that says what a real one cannot be made to say: one scripted answer a request, over plain HTTP."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import yaml


class Asked(NamedTuple):
    """One request as it came."""

    line: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[socket.socket, threading.Event], None]
"""Writes an answer; the event is set when the server ends."""


class FakeApi:
    """``with FakeApi(answer, ...) as server``: each request gets the next answer, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[Asked] = []
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._open: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, name="fake api", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for line in list(self._open):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._open)

    def kubeconfig(self, path: Path, user: Mapping[str, Any]) -> Path:
        named = {
            "current-context": "one",
            "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
            "clusters": [{"name": "one", "cluster": {"server": self.url}}],
            "users": [{"name": "one", "user": dict(user)}],
        }
        path.write_text(yaml.safe_dump(named))
        return path

    def goes_on_with(self, *answers: Answer) -> None:
        """The requests from now on get these; one that ``asked`` has already keeps its own."""
        with self._lock:
            self._answers[:] = answers

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._door.accept()
                self._open.add(line)
                threading.Thread(target=self._serve, args=(line,), name="fake api", daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError, EOFError), line.makefile("rb") as incoming:
            while not self._ending.is_set():
                asked = _read(incoming)
                with self._lock:
                    self.asked.append(asked)
                    answer = self.answer_to(asked)
                answer(line, self._ending)
        self._open.discard(line)

    def answer_to(self, asked: Asked) -> Answer:
        return self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)


def _read(incoming: Any) -> Asked:
    first = incoming.readline()
    if not first:
        raise EOFError
    headers: dict[str, str] = {}
    while (text := incoming.readline().decode().strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(first.decode().strip(), headers, incoming.read(int(headers.get("content-length", 0))))


def says(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """A whole answer; ``body`` is bytes, or a value to write as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
    return lambda line, _ending: line.sendall(_head(status, named) + content)


def refuses(code: int, message: str = "said so") -> Answer:
    """A refusal in the words of an API server."""
    return says(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})


def streams(*events: Any, ended: bool = True) -> Answer:
    """The events of a watch, each a chunk with its line; then the end, or without ``ended`` a lost connection."""

    def answer(line: socket.socket, _ending: threading.Event) -> None:
        line.sendall(STREAM)
        for event in events:
            content = event if isinstance(event, bytes) else json.dumps(event).encode() + b"\n"
            line.sendall(b"%x\r\n%s\r\n" % (len(content), content))
        if ended:
            line.sendall(b"0\r\n\r\n")
        else:
            line.shutdown(socket.SHUT_RDWR)

    return answer


def stays_open(*events: Any) -> Answer:
    """The events of a watch, and then nothing."""

    def answer(line: socket.socket, ending: threading.Event) -> None:
        line.sendall(STREAM)
        for event in events:
            content = json.dumps(event).encode() + b"\n"
            line.sendall(b"%x\r\n%s\r\n" % (len(content), content))
        _until_hung_up(line, ending)

    return answer


def drips(first: bytes, piece: bytes, every: float = 0.05) -> Answer:
    """The first bytes at once, then a piece again and again, until the other side hangs up."""

    def answer(line: socket.socket, ending: threading.Event) -> None:
        line.sendall(first)
        while not ending.wait(every):
            line.sendall(piece)

    return answer


def breaks_off(content: bytes = b"") -> Answer:
    """These bytes, and the connection is gone."""

    def answer(line: socket.socket, _ending: threading.Event) -> None:
        line.sendall(content)
        line.shutdown(socket.SHUT_RDWR)

    return answer


def silence(line: socket.socket, ending: threading.Event) -> None:
    """No answer at all."""
    _until_hung_up(line, ending)


def _until_hung_up(line: socket.socket, ending: threading.Event) -> None:
    line.settimeout(0.05)
    while not ending.is_set():
        with contextlib.suppress(TimeoutError):
            if not line.recv(1):
                return


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


STREAM = _head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
ANSWER = _head(200, {"Content-Type": "application/json", "Content-Length": "100000"})
