"""``--listen``: pages by the standard library's threaded server, within bounds of time and of connections."""

from __future__ import annotations

import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mooring.judge.store import HealthStore
from mooring.model.errors import ConfigError
from mooring.observe import log
from mooring.observe.routes import Answer, Router, router_of, text_answer
from mooring.observe.summary import Document
from mooring.protocols.transport.workers import Workers

REQUEST_SECONDS = 5.0
"""A connection is cut after so long, whatever it does."""
CONNECTIONS = 64
"""How many at a time, each with a thread. One more ends the oldest, so that nobody can keep kubelet's probe out."""
TURN_SECONDS = 1.0
"""How often connections whose time is over are looked for, while there are any."""
METHODS = "GET, HEAD"


class Server:
    """Serves until ``stop``; every page is made in the request's own thread. ``routes`` has the meaning of the rest."""

    def __init__(
        self,
        address: tuple[str, int],
        store: HealthStore,
        *,
        alive: Callable[[], str | None],
        ready: Callable[[], str | None],
        status: Callable[[], Document],
        metrics: Callable[[], tuple[str, bytes]],
    ) -> None:
        router = router_of(store, alive=alive, ready=ready, status=status, metrics=metrics)
        try:
            self._server = _server(address)(address, _handler(router))
        except OSError as error:
            host, port = address
            raise ConfigError(f"--listen (MOORING_LISTEN): cannot listen on {host}:{port}: {error.strerror}") from error

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._server.keep_a_thread()
        threading.Thread(target=self._server.run, name="http", daemon=True).start()

    def stop(self) -> None:
        self._server.end()


class _Bounded(ThreadingHTTPServer):
    """Knows its connections, the oldest first, and cuts those whose time is over."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS
    timeout = 0.0
    """Of the library's wait for a client: one that has left again must not hold up the others."""

    def __init__(self, *args: Any) -> None:
        self._lock = threading.Lock()
        self._open: dict[socket.socket, float] = {}
        self._spare = Workers("http spare", 1)
        super().__init__(*args)
        self._ending, self._ended = socket.socketpair()

    def run(self) -> None:
        """Serves until ``end``. Without connections nothing wakes it; the library's own loop wakes twice a second."""
        with selectors.DefaultSelector() as selector, self._ended, self:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            while True:
                found = {key.fileobj for key, _ in selector.select(TURN_SECONDS if self._open else None)}
                if self._ended in found:
                    return
                if self in found:
                    self.handle_request()
                self._cut_overdue()

    def end(self) -> None:
        """``run`` closes the server; does not wait."""
        self._ending.close()

    def keep_a_thread(self) -> None:
        """So that a kubelet is answered where the process may have no thread more."""
        self._spare.submit(lambda: None)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            over = list(self._open)[: max(0, len(self._open) - CONNECTIONS + 1)]
            self._cut(over)
            self._open[request] = time.monotonic()
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the process may have no thread more
            self._spare.submit(partial(self.process_request_thread, request, client_address))

    def _cut_overdue(self) -> None:
        oldest = time.monotonic() - REQUEST_SECONDS
        with self._lock:
            self._cut([line for line, since in self._open.items() if since < oldest])

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """Logs defects only: a client that left, or was cut off, is none."""
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


def _handler(router: Router) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS
        server_version = "mooring"
        sys_version = ""

        def do_GET(self) -> None:
            self._send_answer(router.answer(self.path))

        do_HEAD = do_GET  # noqa: N815 -- the standard library finds methods by this name

        def send_error(self, code: int, message: str | None = None, *_: object) -> None:
            """What the standard library finds wrong with a request, in plain words instead of a page of HTML."""
            self.request_version = self.protocol_version  # an answer to HTTP/0.9 would have no status line
            if code == HTTPStatus.NOT_IMPLEMENTED:
                self._send_answer(
                    text_answer(HTTPStatus.METHOD_NOT_ALLOWED, f"only {METHODS} are answered here"), Allow=METHODS
                )
            else:
                self._send_answer(text_answer(HTTPStatus(code), message or HTTPStatus(code).phrase))

        def _send_answer(self, answer: Answer, **headers: str) -> None:
            status, kind, body, own = answer
            self.send_response(status)
            common = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
            for name, value in (common | {**own, **headers}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Requests are not logged: a probe of a kubelet every few seconds is no news."""

    return Handler
