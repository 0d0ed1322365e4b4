"""``--listen``: pages by the standard library's threaded server, within bounds of time and of connections."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mooring.errors import ConfigError
from mooring.observe import log
from mooring.observe.status import Document

REQUEST_SECONDS = 5.0
"""A connection is cut after so long, whatever it is about."""
CONNECTIONS = 64
"""At a time, each with a thread; another one ends the oldest, so that nobody can keep a kubelet's probe out."""
TURN_SECONDS = 0.1
PLAIN = "text/plain; charset=utf-8"
METHODS = "GET, HEAD"
Answer = tuple[HTTPStatus, str, bytes]
"""Status, content type, text."""
Page = Callable[[], Answer]


class Server:
    """Serves until ``stop``; every page is made anew in the request's own thread.

    ``alive`` returns None, or the sentence that says what stands still; ``ready`` likewise. ``metrics`` returns
    content type and text.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        alive: Callable[[], str | None],
        ready: Callable[[], str | None],
        status: Callable[[], Document],
        metrics: Callable[[], tuple[str, bytes]],
    ) -> None:
        pages: Mapping[str, Page] = {
            "/livez": lambda: _health(alive()),
            "/readyz": lambda: _health(ready()),
            "/status": lambda: _json(status()),
            "/metrics": lambda: (HTTPStatus.OK, *metrics()),
        }
        try:
            self._server = _server(address)(address, _handler(pages))
        except OSError as error:
            host, port = address
            raise ConfigError(f"--listen (MOORING_LISTEN): cannot listen on {host}:{port}: {error.strerror}") from error

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(TURN_SECONDS,), name="http", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Bounded(ThreadingHTTPServer):
    """Knows its connections, the oldest first, and cuts those whose time is over."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS

    def __init__(self, *args: Any) -> None:
        self._lock = threading.Lock()
        self._open: dict[socket.socket, float] = {}
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            over = list(self._open)[: max(0, len(self._open) - CONNECTIONS + 1)]
            self._cut(over)
            self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """The standard library calls this at each turn of its loop."""
        oldest = time.monotonic() - REQUEST_SECONDS
        with self._lock:
            self._cut([line for line, since in self._open.items() if since < oldest])

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """A client that left, or was cut off, is no news."""
        if not isinstance(sys.exception(), OSError):
            log.say("error", "http.defect", {"exc_info": sys.exc_info()})

    def _cut(self, lines: list[socket.socket]) -> None:
        """Their threads find them ended, and close them."""
        for line in lines:
            del self._open[line]
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def _server(address: tuple[str, int]) -> type[_Bounded]:
    class Listening(_Bounded):
        address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET

    return Listening


def _text(status: HTTPStatus, sentence: str) -> Answer:
    return status, PLAIN, f"{sentence}\n".encode()


def _health(why_not: str | None) -> Answer:
    if why_not is None:
        return _text(HTTPStatus.OK, "ok")
    return _text(HTTPStatus.SERVICE_UNAVAILABLE, why_not)


def _json(document: Document) -> Answer:
    return HTTPStatus.OK, "application/json", (json.dumps(document, indent=2) + "\n").encode()


def _made(page: Page) -> Answer:
    try:
        return page()
    except Exception:  # noqa: BLE001 -- a defect of a page must not look like a network fault, nor end the daemon
        log.say("error", "http.defect", {"exc_info": sys.exc_info()})
        return _text(HTTPStatus.INTERNAL_SERVER_ERROR, "this page could not be made; the log says why")


def _handler(pages: Mapping[str, Page]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS
        server_version = "mooring"
        sys_version = ""

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            if page is None:
                self._say(_text(HTTPStatus.NOT_FOUND, f"no such page; there are: {' '.join(pages)}"))
            else:
                self._say(_made(page))

        do_HEAD = do_GET  # noqa: N815 -- the standard library finds methods by this name

        def send_error(self, code: int, message: str | None = None, *_: object) -> None:
            """What the standard library finds wrong with a request, in plain words instead of a page of HTML."""
            self.request_version = self.protocol_version  # an answer to HTTP/0.9 would have no status line
            if code == HTTPStatus.NOT_IMPLEMENTED:
                self._say(_text(HTTPStatus.METHOD_NOT_ALLOWED, f"only {METHODS} are answered here"), Allow=METHODS)
            else:
                self._say(_text(HTTPStatus(code), message or HTTPStatus(code).phrase))

        def _say(self, answer: Answer, **headers: str) -> None:
            status, kind, body = answer
            self.send_response(status)
            common = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
            for name, value in (common | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Requests are not logged: a probe of a kubelet every few seconds is no news."""

    return Handler
